"""Cases take turns, the first turn does not count, and ratios are of rates."""

import pytest

from benches.measure import Case, report, take_turns, verdict


def test_cases_take_turns() -> None:
    told: list[str] = []
    cases = [
        Case("a", 1, 1, lambda turn: told.append(f"a{turn}")),
        Case("b", 1, 1, lambda turn: told.append(f"b{turn}")),
    ]

    take_turns(cases, 2)

    assert told == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_the_first_turn_does_not_count() -> None:
    cases = [Case("a", 1, 1, lambda _: None)]

    timed = take_turns(cases, 3, average=len)

    assert timed[0].seconds == 3


@pytest.mark.parametrize(
    ("ratio", "target", "told"),
    [(0.3, None, ""), (0.3, 0.3, "  target 0.3: met"), (0.2, 0.3, "  target 0.3: MISSED")],
)
def test_a_verdict_says_whether_a_target_is_met(
    ratio: float, target: float | None, told: str
) -> None:
    said = verdict(ratio, target)

    assert said == told


def test_a_report_puts_the_ratio_beside_the_first_case(capsys: pytest.CaptureFixture[str]) -> None:
    cases = [Case("base", 100, 1000, lambda _: None), Case("twice", 200, 2000, lambda _: None)]
    timed = take_turns(cases, 1, average=lambda _: 1.0)

    report("title", timed)

    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == "2.00"
