"""Check that of Codex' routes of usage one counts, and which."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.processors.ledger import Config, Ledger, factory
from agentpond.pipeline.testing import settings
from agentpond.pipeline.testing.sessions import rows_of, sessions_of

from .codex_given import (
    Row,
    attempt,
    batch_of,
    calls,
    error,
    nothing,
    point,
    response,
    socket,
    stream,
    turn,
    usage,
)

PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
MINUTE = 60_000.0
DAY = 24 * 60 * MINUTE


def test_a_turn_of_which_a_span_alone_tells_is_one_row() -> None:
    (call,) = calls(turn(0, 100, effort="high"))

    told = ("api_call_id", "turn_id", "effort", "output_tokens", "usage_source", "told_by")
    assert [call[name] for name in told] == ["bb/rest", "turn-1", "high", 40, "traces", ["traces"]]


def test_spans_of_turns_add_nothing_to_logs() -> None:
    (call,) = calls(turn(0, 100), usage(50))

    assert (call["usage_source"], call["told_by"]) == ("logs", ["logs", "traces"])


def test_a_span_counts_where_logs_tell_of_failures_alone() -> None:
    rows = calls(turn(0, 100), attempt(10, 500))

    assert [(row["success"], row["usage_source"]) for row in rows] == [
        (False, None),
        (None, "traces"),
    ]


@pytest.mark.parametrize(
    "span", [turn(0, 9, None), turn(0, 9, 0, input_tokens=0, cache_read_tokens=0)]
)
def test_a_span_without_tokens_is_no_row(span: Row) -> None:
    rows = calls(span)

    assert rows == []


def test_metrics_give_a_row_for_each_model_and_kind_of_session() -> None:
    rows = calls(
        point("input", 1000),
        point("output", 40),
        point("input", 500, model="gpt-6"),
        point("input", 70, attributes={"token_type": "input", "session_source": "cli"}),
    )

    assert sorted((row["model"], row["query_source"], row["input_tokens"]) for row in rows) == [
        ("gpt-5.5", "cli", 70),
        ("gpt-5.5", "exec", 1000),
        ("gpt-6", "exec", 500),
    ]


def test_types_of_tokens_are_taken_out_of_each_other_and_the_total_is_left_out() -> None:
    (call,) = calls(
        point("total", 1040),
        point("input", 1000),
        point("cached_input", 700),
        point("cache_write_input", 100),
        point("output", 40),
        point("reasoning_output", 8),
    )

    assert call["input_tokens"] == 200
    assert (call["cache_read_tokens"], call["cache_write_tokens"]) == (700, 100)
    assert (call["output_tokens"], call["reasoning_tokens"]) == (40, 8)


def test_sub_agents_of_different_parents_are_one_kind_of_session() -> None:
    parents = ("01a1f891-6408-72c2-b536-8538ee4fab75", "01a1f88e-dc3b-7b73-aad3-4353d2d69c21")
    source = "subagent_thread_spawn_{}_d1"

    (call,) = calls(
        *(
            point(
                "input", 100, attributes={"token_type": "input", "session_source": source.format(p)}
            )
            for p in parents
        )
    )

    assert (call["query_source"], call["input_tokens"]) == ("subagent_thread_spawn", 200)


def test_tokens_of_guardian_reviews_are_not_counted_again() -> None:
    rows = calls(point("input", 100, event_name="codex.guardian.review.token_usage"))

    assert rows == []


def test_cumulative_points_of_one_process_count_once() -> None:
    points = [
        point("input", value, ms, temporality="cumulative")
        for ms, value in ((0, 100.0), (MINUTE, 150.0), (2 * MINUTE, 180.0))
    ]

    (call,) = calls(*points)

    assert call["input_tokens"] == 180


def test_a_process_that_counts_from_zero_again_adds_to_what_was_counted() -> None:
    first = [point("input", value, value, since=-5, temporality="cumulative") for value in (70, 90)]
    second = point("input", 50, 900, since=800, temporality="cumulative")

    (call,) = calls(*first, second)

    assert call["input_tokens"] == 140


@pytest.mark.parametrize("other", [usage(0), turn(-DAY / 8, 0, span_id="cc")])
def test_points_give_nothing_where_logs_or_spans_told_of_usage_at_the_time(other: Row) -> None:
    rows = calls(other, point("input", 100, 30_000, since=20_000))

    assert {row["usage_source"] for row in rows} & {"metrics"} == set()


@pytest.mark.parametrize(
    "other",
    [
        usage(-10 * MINUTE),
        usage(10 * MINUTE),
        usage(0, team="blue"),
        turn(0, 10, None),
        error(0),
    ],
)
def test_points_count_where_nothing_told_of_their_usage(other: Row) -> None:
    rows = calls(other, point("input", 100))

    assert [row["input_tokens"] for row in rows if row["usage_source"] == "metrics"] == [100]


def test_points_of_a_model_count_where_usage_of_another_was_told() -> None:
    rows = calls(usage(0), point("input", 100, model="gpt-6-luna"))

    assert [(row["model"], row["usage_source"]) for row in rows] == [
        ("gpt-6-luna", "metrics"),
        ("gpt-5.5", "logs"),
    ]


def test_points_give_nothing_where_a_response_alone_told_of_usage() -> None:
    rows = calls(stream(0, 50), response(48, 49), point("input", 100, 30_000, since=20_000))

    assert [row["usage_source"] for row in rows] == ["traces"]


@pytest.mark.parametrize("other", [usage(49), turn(0, 60)])
def test_points_of_another_model_count_where_the_model_of_the_response_is_known(other: Row) -> None:
    told = [stream(0, 50), response(48, 49), other]

    rows = calls(*told, point("input", 100, model="gpt-6-luna"))

    assert {row["usage_source"] for row in rows} >= {"metrics"}


def test_points_without_anything_are_no_row() -> None:
    rows = calls(point("input", 0), point("output", 0))

    assert rows == []


def _rows(name: str) -> st.SearchStrategy[Row]:
    """Give rows of one session, and points, at any of a few moments."""
    kinds: list[Any] = [attempt, usage, nothing, socket, error]
    ms = st.integers(0, 8).map(lambda number: number * 45_000.0)
    return st.one_of(
        st.builds(lambda make, t: make(t, session_id=name), st.sampled_from(kinds), ms),
        st.builds(lambda t: attempt(t, 500, session_id=name), ms),
        st.builds(lambda t: turn(t, t + 5, session_id=name, span_id=f"{name}-{t}"), ms),
        st.builds(lambda t: stream(t, t + 9, session_id=name), ms),
        st.builds(lambda t, late: response(t + 7, t + 8 + late), ms, st.integers(0, 2)),
        st.builds(lambda t, late: point("input", 7, t + late * DAY), ms, st.booleans()),
    )


def _calls_of(ledger: Ledger, batch: Batch, *names: str) -> list[Row]:
    """Give the calls of some sessions at hand, or of all."""
    sessions = sessions_of(ledger.needs, batch, ids=names or None)
    return [
        row
        for made in ledger.process(sessions)
        if isinstance(made, Batch)
        for row in rows_of(pa.Table.from_batches([made.records]))
    ]


@PATIENT
@given(st.lists(_rows("a"), max_size=9), st.lists(_rows("b"), max_size=9))
def test_the_calls_of_a_session_do_not_depend_on_which_others_are_at_hand(
    one: list[Row], two: list[Row]
) -> None:
    ledger = factory.build(Config(), settings())
    batch = batch_of(usage(0, session_id="c"), *one, *two)
    days = [f"no-session:codex:2026-11-2{day}" for day in (0, 1)]

    together = _calls_of(ledger, batch)

    alone = [row for name in ("a", "b", "c", *days) for row in _calls_of(ledger, batch, name)]
    assert together == alone


@PATIENT
@given(st.lists(_rows("a"), max_size=12))
def test_each_token_told_by_logs_is_counted_once(rows: list[Row]) -> None:
    told = [row for row in rows if row["event_type"] == "api_request"]

    made = [row for row in calls(usage(0), *rows) if row["usage_source"] == "logs"]

    assert sum(row["output_tokens"] for row in made) == 40 + sum(r["output_tokens"] for r in told)
