"""Time cases against each other, turn by turn, and print what a record costs.

On a busy machine only what was measured at the same time can be compared: cases take turns
(A B C A B C ...), and the first one is what the others are measured by.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Clock = Literal["cpu", "wall"]

_CLOCKS: dict[Clock, Callable[[], float]] = {"cpu": time.process_time, "wall": time.perf_counter}


@dataclass(frozen=True, slots=True)
class Case:
    """A way to do some records' work; ``run`` is given the number of the turn, from 0.

    ``target`` is the ratio to the first case that is asked for.
    """

    name: str
    records: int
    nbytes: int
    run: Callable[[int], object]
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """What a case took, in seconds a run."""

    case: Case
    seconds: float

    @property
    def records_a_second(self) -> float:
        """How many records a second it does."""
        return self.case.records / self.seconds

    @property
    def us_a_record(self) -> float:
        """Microseconds a record takes."""
        return self.seconds / self.case.records * 1e6


def take_turns(
    cases: Sequence[Case],
    turns: int = 9,
    *,
    clock: Clock = "cpu",
    average: Callable[[Sequence[float]], float] = statistics.median,
) -> list[Timed]:
    """Run all cases turn by turn; turn 0 warms up and does not count."""
    now_s = _CLOCKS[clock]
    took_s: list[list[float]] = [[] for _ in cases]
    for turn in range(turns + 1):
        for case, seconds in zip(cases, took_s, strict=True):
            begun_s = now_s()
            case.run(turn)
            seconds.append(now_s() - begun_s)
    pairs = zip(cases, took_s, strict=True)
    return [Timed(case, average(seconds[1:])) for case, seconds in pairs]


def report(title: str, timed: Sequence[Timed], *, clock: Clock = "cpu") -> None:
    """Print a table; the ratio is of rates, so more is better."""
    base = timed[0].records_a_second
    time_name = "us/record" if clock == "wall" else "CPU us/record"
    print(f"\n{title}")
    print(f"  {'':38}{'records/s':>12}{'MB/s':>10}{time_name:>15}{'ratio':>8}")
    for each in timed:
        nbytes_a_second = each.records_a_second * each.case.nbytes / each.case.records
        ratio = each.records_a_second / base
        print(
            f"  {each.case.name:38}{each.records_a_second:>12,.0f}{nbytes_a_second / 1e6:>10,.0f}"
            f"{each.us_a_record:>15.2f}{ratio:>8.2f}{verdict(ratio, each.case.target)}"
        )


def verdict(ratio: float, target: float | None) -> str:
    """Say whether a target is met; nothing if there is none."""
    if target is None:
        return ""
    return f"  target {target:g}: {'met' if ratio >= target else 'MISSED'}"
