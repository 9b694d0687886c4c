"""Check what share we say to hold of what an agent sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.testing.builders import batch

from .given import Row, at, captured, session, sessions, told

STARTED: Row = {
    "signal": "metrics",
    "event_type": "metric",
    "event_name": "claude_code.session.count",
    "temporality": "delta",
    "start_time": at(0),
    "value": 1.0,
    "attributes": {"start_type": "fresh"},
}


def numbered(numbers: Iterable[int], *more: Row) -> Batch:
    rows = [{"event_type": "other", "sequence": number} for number in numbers]
    return told(*rows, *more)


@pytest.mark.parametrize(
    ("numbers", "held"),
    [
        ([0, 1, 2, 3], 1.0),
        ([0, 1, 3, 4], 4 / 5),
        ([0, 1, 0, 1], 1.0),
        ([0, 1, 2, 0, 2], 5 / 6),
        ([7, 8, 9], 1.0),
        ([7, 9], 2 / 3),
        ([7, 8, 0, 1], 1.0),
        ([0, 0, 1, 1, 2, 2], 1.0),
        ([0, 1, 0, 2, 1, 3, 2], 1.0),
        ([0, 1, 0, 2], 1.0),
        ([0, 0, 1, 3, 2, 3], 6 / 8),
        ([0, 1, 2, 3, 2, 3], 6 / 8),
        ([7, 8, 9, 2], 1 - 2 / 6),
    ],
    ids=str,
)
def test_missing_numbers_lower_the_share(numbers: list[int], held: float) -> None:
    events = numbered(numbers)

    row = session(events)

    assert row["capture_ratio"] == pytest.approx(held)


def test_what_is_missing_in_front_counts_if_the_session_began_with_a_process() -> None:
    events = numbered([6, 7], STARTED)

    row = session(events)

    assert row["capture_ratio"] == pytest.approx(2 / 8)


def test_numbers_of_spans_and_of_codex_tell_nothing() -> None:
    events = told(
        {"signal": "traces", "event_type": "turn", "sequence": 9},
        {"agent": "codex", "event_type": "tool_result", "sequence": 9},
    )

    row = session(events)

    assert "capture_ratio" not in row


@dataclass(frozen=True)
class Tokens:
    """Tokens of one call as logs tell them, and as metrics do."""

    logs: int
    metrics: float


@pytest.mark.parametrize(
    ("tokens", "held"),
    [(Tokens(100, 100), 1.0), (Tokens(25, 100), 0.25), (Tokens(100, 80), 1.0)],
    ids=str,
)
def test_tokens_of_logs_are_held_against_those_of_metrics(tokens: Tokens, held: float) -> None:
    point = STARTED | {"event_name": "claude_code.token.usage", "value": tokens.metrics}
    events = numbered([0, 1], point)
    call = batch(
        API_CALLS,
        1,
        session_id="s",
        api_call_id="c",
        input_tokens=tokens.logs,
        reasoning_tokens=7,
        cost_status="computed",
        usage_source="logs",
    )
    made = {"api_calls": call.records}

    row = session(events, made)

    assert row["capture_ratio"] == held


def test_tokens_that_metrics_alone_tell_are_held_against_nothing() -> None:
    events = told(STARTED | {"event_name": "claude_code.token.usage"})

    row = session(events)

    assert "capture_ratio" not in row


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=8), min_size=1, max_size=4))
def test_no_more_is_called_missing_than_was_lost(lost: list[list[bool]]) -> None:
    # One process after the other; the last record of each is not lost.
    numbers = [
        number for process in lost for number, gone in enumerate([*process, False]) if not gone
    ]
    sent = sum(len(process) + 1 for process in lost)

    row = session(numbered(numbers, STARTED))

    assert len(numbers) / sent - 1e-9 <= row["capture_ratio"] <= 1


@given(st.lists(st.integers(1, 8), min_size=1, max_size=4), st.randoms())
def test_of_processes_side_by_side_nothing_is_called_missing(
    lengths: list[int], chance: Random
) -> None:
    turns = [process for process, length in enumerate(lengths) for _ in range(length)]
    chance.shuffle(turns)
    numbers = [turns[:place].count(process) for place, process in enumerate(turns)]

    row = session(numbered(numbers))

    assert row["capture_ratio"] == 1.0


@pytest.mark.parametrize("name", ["basic", "tools", "resume", "hooks", "slow", "cumulative"])
def test_a_capture_in_which_nothing_was_lost_is_held_whole(name: str) -> None:
    events = captured(f"claude_code/{name}/grpc")

    rows = sessions(events)

    ratios = [row["capture_ratio"] for row in rows.values() if "capture_ratio" in row]
    assert ratios
    assert set(ratios) == {1.0}


TURN: Row = {"agent": "codex", "signal": "traces", "event_type": "turn", "output_tokens": 10}


def logged(*calls: Row) -> dict[str, pa.Table]:
    """Make calls of session `s`, each of the turn that it names."""
    source = {"usage_source": "logs", "session_id": "s", "api_call_id": "1"}
    tables = [batch(API_CALLS, 1, **source | call).records for call in calls]
    return {"api_calls": pa.Table.from_batches(tables)}


def test_of_codex_the_share_is_that_of_the_tokens_of_turns_that_records_tell() -> None:
    events = told(
        TURN | {"turn_id": "t1", "input_tokens": 20, "cache_read_tokens": 70},
        TURN | {"turn_id": "t2", "output_tokens": 100},
    )
    calls = logged(
        {"turn_id": "t1", "input_tokens": 10, "cache_read_tokens": 30, "output_tokens": 10},
        {"turn_id": "t2", "output_tokens": 50},
        {"turn_id": "t2", "output_tokens": 50},
    )

    row = session(events, calls)

    assert row["capture_ratio"] == 0.75


def test_turns_of_codex_of_which_no_record_tells_are_not_held_against_anything() -> None:
    events = told(TURN | {"turn_id": "t1"}, TURN | {"turn_id": "t2"})

    row = session(events, logged({"turn_id": "t1", "output_tokens": 10}))

    assert row["capture_ratio"] == 1.0


def test_what_codex_spends_on_compaction_does_not_make_the_share_more_than_all() -> None:
    events = told(TURN | {"turn_id": "t1"})

    row = session(events, logged({"turn_id": "t1", "output_tokens": 900}))

    assert row["capture_ratio"] == 1.0


def test_without_spans_of_codex_there_is_nothing_to_hold_its_records_against() -> None:
    events = told({"agent": "codex", "event_type": "user_prompt"})

    row = session(events, logged({"turn_id": "t1", "output_tokens": 10}))

    assert "capture_ratio" not in row


def test_a_response_that_broke_off_is_missing_among_what_records_tell() -> None:
    events = told(TURN | {"turn_id": "t1", "output_tokens": 10})
    rest = {"usage_source": "traces", "turn_id": "t1", "output_tokens": 5, "api_call_id": "2"}

    row = session(events, logged({"turn_id": "t1", "output_tokens": 5}, rest))

    assert row["capture_ratio"] == 0.5
