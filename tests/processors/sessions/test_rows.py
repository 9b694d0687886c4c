"""Check what holds of all rows of `sessions`, whatever stands in them."""

from random import Random

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.made import API_CALLS, TOOL_CALLS, TURNS
from agentpond.pipeline.testing import builders
from agentpond.pipeline.testing.builders import events as rows_of_events
from agentpond.pipeline.testing.builders import sample_events

from ...golden.captures import Capture, captures
from .given import Row, at, events_of, sessions, told

KINDS = ["user_prompt", "session_start", "turn", "metric", "tool_result", "hook", None]

event = st.fixed_dictionaries(
    {
        "session_id": st.sampled_from(["a", "b", "c"]),
        "agent": st.sampled_from(["claude_code", "codex", None]),
        "signal": st.sampled_from(["logs", "traces", "metrics"]),
        "event_type": st.sampled_from(KINDS),
        "event_name": st.sampled_from(
            ["claude_code.session.count", "claude_code.active_time.total", None]
        ),
        "time": st.integers(0, 100).map(at),
        "start_time": st.integers(0, 3).map(at),
        "sequence": st.none() | st.integers(0, 6),
        "trace_id": st.sampled_from(["a1", "a2", None]),
        "value": st.none() | st.floats(0, 10),
        "temporality": st.sampled_from(["delta", "cumulative", None]),
        "success": st.sampled_from([True, False, None]),
        "model": st.sampled_from(["x", "y", None]),
        "branch": st.sampled_from(["main", None]),
        "attributes": st.sampled_from(
            [{"command_name": "exit"}, {"start_type": "fresh"}, {"start_type": "continue"}, {}]
        ),
    }
)


@given(st.lists(event, min_size=1, max_size=12))
@settings(deadline=None, max_examples=30)
def test_a_sessions_row_does_not_depend_on_which_others_are_at_hand(given_rows: list[Row]) -> None:
    events = told(*given_rows)
    ids = sorted({row["session_id"] for row in given_rows})

    together = sessions(events)

    alone = [sessions(events, ids=[each]) for each in ids]
    assert together == {name: row for rows in alone for name, row in rows.items()}


@given(st.lists(event, min_size=1, max_size=12), st.randoms())
@settings(deadline=None, max_examples=30)
def test_a_sessions_row_does_not_depend_on_the_order_of_arrival(
    given_rows: list[Row], chance: Random
) -> None:
    numbered = [row | {"event_id": n.to_bytes(16, "big")} for n, row in enumerate(given_rows)]
    first = sessions(told(*numbered))
    chance.shuffle(numbered)

    again = sessions(told(*numbered))

    assert again == first


def test_sessions_without_events_have_no_row() -> None:
    rows = sessions(told({"event_type": "user_prompt"}), ids=["s", "unheard-of"])

    assert list(rows) == ["s"]


def test_no_sessions_at_hand_make_no_rows() -> None:
    rows = sessions(rows_of_events(1, session_id="s"), ids=[])

    assert rows == {}


STRAY: Row = {"session_id": None, "agent": "codex", "signal": "metrics", "event_type": "metric"}
UNIT = "no-session:codex:2026-11-20"
START: Row = {
    "signal": "metrics",
    "event_type": "metric",
    "event_name": "claude_code.session.count",
    "start_time": at(0),
    "value": 1.0,
}


@pytest.mark.parametrize("used", [API_CALLS, TOOL_CALLS, TURNS], ids=lambda table: table.name)
def test_what_was_used_outside_of_any_session_stands_in_one_for_agent_and_day(used: Table) -> None:
    row = builders.batch(used, 1, session_id=UNIT).records

    rows = sessions(told(STRAY), {used.name: pa.Table.from_batches([row])})

    assert list(rows) == [UNIT]


def test_events_of_no_session_that_used_nothing_are_no_session() -> None:
    rows = sessions(told(STRAY, {"event_type": "user_prompt"}))

    assert list(rows) == ["s"]


@pytest.mark.parametrize("kind", ["continue", "resume"])
def test_the_id_that_a_process_leaves_for_the_session_it_takes_up_is_no_session(kind: str) -> None:
    start = START | {"attributes": {"start_type": kind}}
    events = told({"event_type": "user_prompt"}, start, {"session_id": "left"} | start)

    rows = sessions(events)

    assert list(rows) == ["s"]


def test_a_session_that_was_only_started_is_one() -> None:
    rows = sessions(told(START | {"attributes": {"start_type": "fresh"}}))

    assert list(rows) == ["s"]


def test_events_of_every_kind_are_borne() -> None:
    rows = sessions(sample_events())

    assert rows["session"]["events"] == 11


@pytest.mark.parametrize("capture", captures("*/*/grpc"), ids=lambda capture: capture.name)
def test_each_session_of_a_capture_has_one_row_with_all_its_events(capture: Capture) -> None:
    events = events_of(capture)

    rows = sessions(events)

    counted = pc.value_counts(events.records["session_id"].drop_null()).to_pylist()
    # One event alone is what `--continue` leaves behind (capture `resume`).
    told = {each["values"]: each["counts"] for each in counted if each["counts"] > 1}
    assert {name: row["events"] for name, row in rows.items()} == told
