"""Fuzz for as long as told, keep what fails, and say how to see it again.

``python -m tests.fuzz --minutes 60 --target json`` or ``python -m tests.fuzz --replay FILE``.
"""

import argparse
import hashlib
import os
import queue
import secrets
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .orders import Failure, Mutants
from .shrink import minimized
from .targets import Target, mutant, targets
from .watch import ROOT, Found, Judge

KEPT = ROOT / "build" / "fuzz"
_SLICE = 200
_MOST_OF_A_KIND = 3


@dataclass(slots=True)
class Tally:
    """What was run and found so far; workers add to it, one at a time."""

    seed: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    inputs: Counter[str] = field(default_factory=Counter)
    spent_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)

    def told(self) -> Iterator[str]:
        """Give a line for each target, and one for each kind of failure."""
        for name, inputs in self.inputs.items():
            pace = inputs / max(self.spent_s[name], 1e-9)
            yield f"{name:26} {inputs:9} inputs  {pace:7.0f}/s"
        for (name, kind), times in self.kinds.items():
            yield f"FAILED {times:6} times  {name}: {kind}"


def main() -> int:
    """Run; the exit status is 1 if a law was broken."""
    told = _parser().parse_args()
    if told.replay:
        return max(_replay(path) for path in told.replay)
    chosen = [one for name, one in targets().items() if name.startswith(told.target)]
    if not chosen:
        _say(f"no target begins with {told.target!r}. Known: {', '.join(targets())}.")
        return 2
    tally = Tally(told.seed)
    _work(chosen, told.minutes * 60.0, told.jobs, tally)
    _say("\n".join(tally.told()))
    return 1 if tally.kinds else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="in all (10)")
    parser.add_argument("--target", default="", help="only targets whose name begins so")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="a random one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--replay", nargs="+", type=Path, help="judge files that were kept")
    return parser


def _work(chosen: list[Target], seconds: float, jobs: int, tally: Tally) -> None:
    """Share the time among the targets, and them among the workers."""
    _say(f"seed {tally.seed}, {len(chosen)} targets, {seconds / 60:g} minutes")
    waiting: queue.SimpleQueue[Target] = queue.SimpleQueue()
    for one in chosen * (jobs if len(chosen) < jobs else 1):
        waiting.put(one)
    each_s = seconds * jobs / waiting.qsize()
    workers = [
        threading.Thread(target=_run_waiting, args=(waiting, each_s, number, tally))
        for number in range(jobs)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _run_waiting(
    waiting: "queue.SimpleQueue[Target]", each_s: float, worker: int, tally: Tally
) -> None:
    with Judge() as judge:
        while True:
            try:
                target = waiting.get_nowait()
            except queue.Empty:
                return
            _run_one(judge, target, each_s, worker, tally)


def _run_one(judge: Judge, target: Target, seconds: float, worker: int, tally: Tally) -> None:
    # Two workers on one target must not judge the same inputs.
    seed = tally.seed + worker
    began = time.monotonic()
    for first in count(0, _SLICE):
        for found in judge.judge_mutants(Mutants(target.name, seed, first, _SLICE)):
            _note(target, seed, found, tally)
        spent_s = time.monotonic() - began
        if spent_s > seconds:
            break
    with tally.lock:
        tally.inputs[target.name] += first + _SLICE
        tally.spent_s[target.name] += spent_s
    _say(f"{target.name}: {first + _SLICE} inputs in {spent_s:.0f} s")


def _note(target: Target, seed: int, found: Found, tally: Tally) -> None:
    kind = found.failure.kind
    with tally.lock:
        tally.kinds[target.name, kind] += 1
        if tally.kinds[target.name, kind] > _MOST_OF_A_KIND:
            return
    body = mutant(target, seed, found.number)
    # Of the order in hand some inputs wait for their answer: another process looks at this one.
    with Judge() as other:
        small = minimized(body, target.smaller, lambda less: _fails(other, target, less, kind))
    path = _keep(target, small, found.failure)
    _keep(target, body, found.failure)
    _say(f"{target.name}: {kind}\n  make fuzz ARGS='--replay {path}'")


def _fails(judge: Judge, target: Target, body: bytes, kind: str) -> bool:
    failure = judge.judge(target.name, body)
    return failure is not None and failure.kind == kind


def _keep(target: Target, body: bytes, failure: Failure) -> Path:
    folder = KEPT / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.name}.{hashlib.sha256(body).hexdigest()[:12]}.bin"
    path.write_bytes(body)
    path.with_suffix(".txt").write_text(f"{failure.kind}\n\n{failure.story}\n")
    return path.relative_to(ROOT)


def _replay(path: Path) -> int:
    """Judge a file again; its name begins with that of its target."""
    with Judge(verbose=True) as judge:
        failure = judge.judge(path.name.partition(".")[0], path.read_bytes())
    _say(f"{path}: {failure.kind if failure else 'keeps the law'}")
    if failure:
        _say(failure.story)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
