"""Judge inputs in a process of its own, which may die, hang or run out of memory of them.

``python -m tests.fuzz.judge FD`` reads orders from a connection and answers each input.
"""

import resource
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from .misbehaving import misbehaving
from .orders import Failure, Input
from .targets import Target, mutant, targets

_ADDRESS_SPACE_BYTES = 3 << 30

# proc(5): what makes the peak of the resident set begin again from what it is now.
_CLEAR, _FORGET_PEAK = Path("/proc/self/clear_refs"), "5"
_STATUS = Path("/proc/self/status")


def broken_law(target: Target, body: bytes) -> Failure | None:
    """Judge one input; None if it keeps the law and the bounds of memory."""
    _CLEAR.write_text(_FORGET_PEAK)
    before_bytes = _peak_bytes()
    try:
        target.law(body)
    except BaseException as error:  # noqa: BLE001 - whatever comes, a panic of Rust code too
        return _failure(error)
    grown_bytes = _peak_bytes() - before_bytes
    allowed_bytes = target.peak_bytes + target.peak_factor * len(body)
    if grown_bytes > allowed_bytes:
        story = f"the peak of memory grew by {grown_bytes} bytes, allowed are {allowed_bytes}"
        return Failure("memory", story)
    return None


def _failure(error: BaseException) -> Failure:
    steps = traceback.extract_tb(error.__traceback__)
    place = f"{Path(steps[-1].filename).name}:{steps[-1].name}"
    story = "".join(traceback.format_exception(error, limit=-6))
    words = str(error).partition("\n")[0][:60]
    return Failure(f"{type(error).__name__} in {place}: {words}", story)


def _peak_bytes() -> int:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _serve(connection: Connection) -> None:
    known = {**targets(), **misbehaving()}
    while True:
        order = connection.recv()
        target = known[order.target]
        if isinstance(order, Input):
            connection.send(broken_law(target, order.body))
            continue
        for number in range(order.first, order.first + order.count):
            connection.send(broken_law(target, mutant(target, order.seed, number)))


def main() -> None:
    """Serve the connection that was handed over, until its other end closes."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, hard))
    with suppress(EOFError):
        _serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
