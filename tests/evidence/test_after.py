"""What came after an error until the same tool worked again is told, and what it cost."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.core.sessions import Sessions
from agentpond.pipeline.evidence.after import After, after_of, how_it_worked
from agentpond.pipeline.evidence.errors import CALLS_NEED, NEEDS, Errors, errors_of
from agentpond.pipeline.evidence.spending import cost_within, spent_after
from agentpond.pipeline.session.groups import Groups
from agentpond.pipeline.testing.sessions import run_sessions, sessions_of

from .happened import Row, at, chain, failed, prompt, ran, told, used

MICROS = 1_000_000
HOUR_US = 3_600 * MICROS


def call(seconds: float | None, **columns: Any) -> Row:
    """Make a row of the ledger: a call of turn `t` that was over at a moment and took no time."""
    whose = {"session_id": "s", "api_call_id": f"call-{seconds}", "turn_id": "t", "model": "m"}
    time = None if seconds is None else at(seconds)
    return {**whose, "time": time, "success": True, "cost_usd": 1.0, "cost_status": "x", **columns}


def refused(seconds: float, **columns: Any) -> Row:
    told_of = {"success": False, "error_message": "http 500", "cost_usd": None}
    return call(seconds, **{**told_of, "cost_status": None, **columns})


def _sessions(rows: Sequence[Row], calls: Sequence[Row]) -> Sessions:
    batch = told(*rows)
    made = run_sessions(chain(), batch)
    made["api_calls"] = pa.Table.from_pylist(list(calls), schema=API_CALLS.schema)
    return sessions_of(NEEDS, batch, made)


def happened(*rows: Row, calls: Sequence[Row] = ()) -> tuple[Errors, After]:
    """Give the errors of some events, and what came after each."""
    errors = errors_of(_sessions(rows, calls))
    return errors, after_of(errors, HOUR_US)


def lasted(*rows: Row, calls: Sequence[Row] = ()) -> list[tuple[float, float, bool]]:
    """Give from when to when each error mattered, in seconds, and whether it was resolved."""
    _, after = happened(*rows, calls=calls)
    start = np.datetime64(at(0), "us").astype(np.int64)
    since, until = ((each - start) / MICROS for each in (after.since_us, after.until_us))
    return [
        (round(float(a), 3), round(float(b), 3), bool(resolved))
        for a, b, resolved in zip(since, until, after.resolved, strict=True)
    ]


def spent(*rows: Row, calls: Sequence[Row]) -> tuple[Any, ...]:
    """Give the cost, the share with a price and the turns after all errors together."""
    errors, after = happened(*rows, calls=calls)
    groups = Groups(np.zeros(len(errors), dtype=np.int64), 1)
    sums = spent_after(errors, after, groups)
    ((cost, share, turns),) = zip(
        *(column.to_pylist() for column in (sums.cost_usd, sums.coverage, sums.turns)), strict=True
    )
    return cost, share, turns


def test_an_error_matters_until_the_same_tool_begins_what_works() -> None:
    rows = [ran(1, "make", "no"), used(5, "Bash", '{"command":"ls"}')]

    assert lasted(*rows) == [(1.0, 4.9, True)]


def test_what_had_begun_before_the_error_does_not_count() -> None:
    rows = [ran(1, "make", "no"), used(1.05, "Bash", None), used(9, "Bash", None)]

    assert lasted(*rows) == [(1.0, 8.9, True)]


@pytest.mark.parametrize(
    "other",
    [
        {"tool_name": "Read"},
        {"mcp_server": "other"},
        {"session_id": "other"},
        {"success": False, "error_message": "no"},
        {"success": None},
    ],
)
def test_another_tool_or_one_that_did_not_work_does_not_count(other: Row) -> None:
    later = {**used(5, "Bash", None), **other}

    (_, _, resolved), *_ = sorted(lasted(ran(1, "make", "no"), later))

    assert resolved is False


def test_where_it_never_works_again_it_matters_to_the_end_of_the_turn() -> None:
    rows = [ran(1, "make", "no"), used(7, "Read", "{}"), used(20, "Read", "{}", turn_id="u")]

    ((since, until, resolved),) = lasted(*rows, calls=[call(4)])

    assert (since, until, resolved) == (1.0, 7.0, False)


def test_a_tool_that_works_in_a_later_turn_resolves_it() -> None:
    rows = [ran(1, "make", "no"), used(20, "Bash", None, turn_id="u")]

    assert lasted(*rows) == [(1.0, 19.9, True)]


def test_what_is_no_tool_mattered_for_no_time() -> None:
    rows = [prompt(0, "Go.")]

    assert lasted(*rows, calls=[refused(1), call(5, model="other")]) == [(1.0, 1.0, False)]


def test_an_api_call_is_resolved_by_the_next_one_of_its_model() -> None:
    rows = [prompt(0, "Go.")]

    assert lasted(*rows, calls=[refused(1), call(5)]) == [(1.0, 1.0, True)]


def test_an_api_call_before_it_resolves_nothing() -> None:
    assert lasted(prompt(0, "Go."), calls=[call(0.5), refused(1)]) == [(1.0, 1.0, False)]


def test_an_error_of_an_unknown_time_mattered_for_no_time() -> None:
    rows = [
        {**ran(1, "make", "no"), "time": None},
        used(5, "Bash", '{"command":"ls"}'),
    ]

    assert spent(*rows, calls=[call(2)]) == (None, None, None)
    assert happened(*rows)[1].resolved.tolist() == [False]


def test_the_command_that_worked_is_told() -> None:
    errors, after = happened(
        ran(1, "make", "no"), used(5, "Bash", '{"command":"make -B"}'), ran(9, "make", "no")
    )

    assert how_it_worked(errors.uses, after).to_pylist() == ["make -B", None]


def test_calls_within_are_added_up() -> None:
    rows = [ran(1, "make", "no"), used(9, "Bash", None)]
    calls = [call(0.9), call(1), call(5, turn_id="u"), call(8.9), call(9)]

    assert spent(*rows, calls=calls) == (2.0, 1.0, 2)


def test_a_call_counts_by_when_it_began() -> None:
    rows = [ran(1, "make", "no"), used(9, "Bash", None)]
    calls = [call(2, duration_ms=1500.0), call(9.5, duration_ms=1000.0)]

    assert spent(*rows, calls=calls) == (1.0, 1.0, 1)


def test_a_call_within_two_spans_of_a_group_counts_once() -> None:
    rows = [ran(1, "make", "no"), ran(3, "make", "no"), used(9, "Bash", None)]

    assert spent(*rows, calls=[call(2), call(4)]) == (2.0, 1.0, 1)


def test_spans_that_do_not_meet_leave_out_what_is_between() -> None:
    rows = [
        ran(1, "make", "no"),
        used(3, "Bash", None),
        ran(6, "make", "no"),
        used(9, "Bash", None),
    ]

    assert spent(*rows, calls=[call(2), call(4), call(7)]) == (2.0, 1.0, 1)


def test_calls_of_another_session_do_not_count() -> None:
    rows = [ran(1, "make", "no"), used(9, "Bash", None), prompt(0, "Go.", session_id="other")]

    assert spent(*rows, calls=[call(2, session_id="other")]) == (None, None, 0)


def test_the_share_with_a_price_is_of_calls_with_usage() -> None:
    rows = [ran(1, "make", "no"), used(9, "Bash", None)]
    untold = {"cost_usd": None, "cost_status": None}
    calls = [call(2), call(3, cost_usd=None, cost_status="unpriced"), call(4, **untold)]

    assert spent(*rows, calls=calls) == (1.0, 0.5, 1)


def test_the_last_call_of_a_turn_is_part_of_it() -> None:
    rows = [ran(1, "make", "no")]

    assert spent(*rows, calls=[call(2), call(5)]) == (2.0, 1.0, 1)


def test_each_group_has_its_own_sums() -> None:
    rows = [
        ran(1, "make", "no"),
        failed(3, "Read", "{}", "gone"),
        used(9, "Bash", None),
        used(9, "Read", None),
    ]
    errors, after = happened(*rows, calls=[call(2), call(4)])

    sums = spent_after(errors, after, Groups(np.array([0, 1]), 2))

    assert (sums.cost_usd.to_pylist(), sums.turns.to_pylist()) == ([2.0, 1.0], [1, 1])


def within(since: float, until: float, *calls: Row, session_id: str = "s") -> float | None:
    rows = pa.Table.from_pylist(list(calls), schema=API_CALLS.schema)
    batch = rows.select(CALLS_NEED.columns).combine_chunks().to_batches()[0]
    bounds = (pa.array([at(each)], pa.timestamp("us")).cast(pa.int64()) for each in (since, until))
    (cost,) = cost_within(batch, pa.array([session_id]), *bounds).to_pylist()
    return None if cost is None else float(cost)


def test_calls_that_began_within_a_span_of_time_are_added_up() -> None:
    assert within(1, 5, call(0), call(1), call(4), call(5)) == 2.0


def test_without_a_call_within_nothing_is_told() -> None:
    assert within(1, 5, call(0)) is None
    assert within(1, 5, call(2), session_id="other") is None


def test_what_works_much_later_is_no_end_of_what_an_error_cost() -> None:
    rows = [ran(1, "make", "no"), used(7_300, "Bash", '{"command":"ls"}')]

    assert lasted(*rows) == [(1.0, 3_601.0, True)]


def test_sums_are_those_of_the_calls_one_by_one_to_the_last_digit() -> None:
    rows = [ran(1, "make", "no"), used(99, "Bash", '{"command":"ls"}')]
    costs = [0.1, 0.2, 0.3, 1e-9]

    cost, *_ = spent(*rows, calls=[call(2 + n, cost_usd=usd) for n, usd in enumerate(costs)])

    assert cost == 0.600000001


def test_a_turn_that_others_interrupt_is_counted_once() -> None:
    rows = [ran(1, "make", "no"), used(99, "Bash", '{"command":"ls"}')]
    calls = [call(2 + n, turn_id=name) for n, name in enumerate("abaccb")]

    *_, turns = spent(*rows, calls=calls)

    assert turns == 3
