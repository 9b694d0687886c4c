"""Run the cases against endpoints, a few at a time, and hold the answers against the rules."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import chain

from .cases import cases
from .lines_grpc import GrpcLine, method_of
from .lines_http import HttpLine
from .model import (
    Answer,
    Case,
    Check,
    Compression,
    Outcome,
    Result,
    Shot,
    Silence,
    Transport,
    Verdict,
    Wanted,
)
from .preflight import reach
from .reading import words
from .rules import BUSY_RULES, BY_NUMBER, GRPC_RULES, HTTP_RULES, RULES
from .target import Target, Tls
from .telemetry import PATHS

AT_ONCE = 8
_PATIENT_FOR = 20
_IMPATIENT_S = 1.0
_START_BYTES = 200

Line = HttpLine | GrpcLine


@dataclass(frozen=True, slots=True)
class Suite:
    """Where to send what, and how long to wait for each answer."""

    targets: tuple[Target, ...]
    wanted: Wanted
    headers: tuple[tuple[str, str], ...] = ()
    tls: Tls = field(default_factory=Tls)
    timeout_s: float = 5.0


class Patience:
    """Wait less once too many cases got no answer: a dead receiver should not take an hour."""

    def __init__(self, timeout_s: float) -> None:
        """Wait so long at first."""
        self._timeout_s = timeout_s
        self._spent = 0

    async def answer(self, line: Line, case: Case) -> Answer:
        """Do what a case does; give what came of it in time."""
        timeout_s = self._timeout_s
        if self._spent >= _PATIENT_FOR:
            timeout_s = min(timeout_s, _IMPATIENT_S)
        timeout_s *= case.patience
        try:
            async with asyncio.timeout(timeout_s):
                return await case.act(line, case.shot)
        except TimeoutError:
            self._spent += 1
            return Silence(f"no answer within {timeout_s:g} s")
        except (OSError, ssl.SSLError) as error:
            return Silence(f"no connection: {error}")


async def run(
    suite: Suite, told: Callable[[int, int], None] = lambda _done, _all: None
) -> list[Result]:
    """Run all cases; ``told`` hears how many are done, of how many.

    Raises:
        Unreachable: an endpoint cannot be used; nothing is said about the receiver.
        UsageError: the TLS files cannot be used.

    """
    results: list[Result] = []
    for target in suite.targets:
        async with _line(target, suite) as line:
            await reach(target, line, suite.wanted, suite.timeout_s)
            planned = list(chain(*(cases(each, suite.wanted) for each in target.transports)))
            results += await _run_all(line, target, planned, suite.timeout_s, told)
    results += unseen(suite, {result.rule for result in results})
    return sorted(results, key=lambda result: result.rule)


@asynccontextmanager
async def _line(target: Target, suite: Suite) -> AsyncIterator[Line]:
    if Transport.GRPC in target.transports:
        line: Line = GrpcLine(target, suite.tls, suite.headers)
    else:
        line = HttpLine(target, suite.tls.context() if target.tls else None, suite.headers)
    try:
        yield line
    finally:
        await line.close()


async def _run_all(
    line: Line,
    target: Target,
    planned: Sequence[Case],
    timeout_s: float,
    told: Callable[[int, int], None],
) -> list[Result]:
    """Run the cases that bear company a few at a time, then the others one by one."""
    patience = Patience(timeout_s)
    found: dict[int, list[Result]] = {}

    async def work(numbered: Iterator[tuple[int, Case]]) -> None:
        for number, case in numbered:
            found[number] = await _run_case(line, target, case, patience)
            told(len(found), len(planned))

    together = iter([(n, case) for n, case in enumerate(planned) if not case.alone])
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work(together))
    await work(iter([(n, case) for n, case in enumerate(planned) if case.alone]))
    return [result for number in sorted(found) for result in found[number]]


async def _run_case(line: Line, target: Target, case: Case, patience: Patience) -> list[Result]:
    body = case.shot.body()
    loaded = replace(case, shot=replace(case.shot, body=lambda: body))
    answer = await patience.answer(line, loaded)
    sent, came = _sent(case.shot, body), words(case.shot, answer)
    return [
        _result(target, case.shot, check, check.judge(case.shot, answer), (sent, came))
        for check in case.checks
    ]


def _result(
    target: Target, shot: Shot, check: Check, verdict: Verdict, seen: tuple[str, str]
) -> Result:
    return Result(
        rule=check.rule,
        level=check.level or BY_NUMBER[check.rule].level,
        outcome=verdict.outcome,
        why=verdict.why,
        endpoint=str(target),
        words=shot.words,
        signal=shot.signal,
        transport=shot.transport,
        compression=shot.compression,
        sent=seen[0],
        came=seen[1],
    )


def _sent(shot: Shot, body: bytes) -> str:
    """Say what was sent: the request line, its headers, and how the body begins."""
    if shot.transport is Transport.GRPC:
        head = method_of(shot)
    else:
        head = f"{shot.method} {PATHS[shot.signal] if shot.path is None else shot.path}"
    zipped = ", then gzip" if shot.compression is Compression.GZIP else ""
    begins = body[:_START_BYTES]
    shown = begins.decode("utf-8", "backslashreplace") if _is_text(begins) else begins.hex()
    more = "..." if len(body) > _START_BYTES else ""
    odd = "".join(f", {name}: {value}" for name, value in shot.headers.items() if value is not None)
    return f"{head}{odd}; {len(body)} bytes{zipped}: {shown}{more}"


def _is_text(data: bytes) -> bool:
    return data.isascii() and data.decode("ascii").isprintable()


def unseen(suite: Suite, seen: Iterable[int]) -> list[Result]:
    """Say of every rule without a result why there is none."""
    wanted = suite.wanted.rules or BY_NUMBER.keys()
    missing = [rule for rule in RULES if rule.number in wanted and rule.number not in set(seen)]
    return [Result(rule.number, rule.level, *_why_unseen(rule.number, suite)) for rule in missing]


def _why_unseen(rule: int, suite: Suite) -> tuple[Outcome, str]:
    spoken = {transport for target in suite.targets for transport in target.transports}
    reasons = {
        rule == 12: "cannot be seen from outside: what a receiver keeps is its own",  # noqa: PLR2004
        rule in GRPC_RULES and Transport.GRPC not in spoken: "no gRPC endpoint was given",
        rule in HTTP_RULES and Transport.JSON not in spoken: "no HTTP endpoint was given",
        rule in BUSY_RULES and not suite.wanted.busy: "needs a receiver that is busy: --busy",
    }
    if rule == 25:  # noqa: PLR2004
        return _one_port(suite.targets)
    if suite.wanted.busy:
        return Outcome.NOT_APPLICABLE, "not looked at while the receiver is busy"
    why = reasons.get(True) or "no case for these signals and options"
    return Outcome.NOT_APPLICABLE, why


def _one_port(targets: Iterable[Target]) -> tuple[Outcome, str]:
    """Judge rule 25 by the endpoints: their other cases show whether both are served."""
    ports = [(target.host, target.port) for target in targets]
    if len(set(ports)) < len(ports):
        return Outcome.PASS, ""
    return Outcome.NOT_APPLICABLE, "the endpoints given have ports of their own (MAY)"
