"""Uses of tools that overlap are a group, and what a session makes is its own affair."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.testing.builders import events as no_events
from agentpond.pipeline.testing.builders import sample_events
from agentpond.pipeline.testing.sessions import rows_of, run_sessions, sessions_of

from .given import Row, at, calls, capture, made, micros, processor, span, told

Span = tuple[int, int]


def used(number: int, begin: float, end: float, **columns: Any) -> Row:
    return span("tool", begin, end, tool_call_id=f"call-{number:02}", **columns)


def groups_of(*spans: Span, agent: str = "codex") -> list[int | None]:
    events = told(*(used(n, *each) for n, each in enumerate(spans)), agent=agent)
    rows = rows_of(made(events), "tool_call_id", "parallel_group")
    return [row["parallel_group"] for row in sorted(rows, key=lambda row: row["tool_call_id"])]


def test_a_use_alone_is_in_no_group() -> None:
    groups = groups_of((0, 1), (1, 2), (3, 4))

    assert groups == [None, None, None]


def test_uses_that_overlap_are_one_group_and_groups_are_counted() -> None:
    groups = groups_of((0, 3), (1, 2), (2, 5), (6, 7), (8, 10), (9, 11))

    assert groups == [1, 1, 1, None, 2, 2]


def test_each_session_counts_its_own_groups() -> None:
    events = told(
        *(used(n, 0, 9, session_id="a") for n in range(2)),
        *(used(n, 0, 9, session_id="b") for n in range(2)),
        agent="codex",
    )

    rows = calls(events, "session_id", "parallel_group")

    assert rows == [("a", 1), ("a", 1), ("b", 1), ("b", 1)]


def test_uses_of_one_turn_that_overlap_are_one_group_whoever_used_them() -> None:
    events = told(
        used(0, 0, 2),
        used(1, 1, 3, subagent_id="x"),
        used(2, 2, 4, subagent_id="y"),
    )

    rows = calls(events, "parallel_group")

    assert rows == [(1,), (1,), (1,)]


def test_uses_of_different_turns_are_not_held_against_each_other() -> None:
    events = told(
        used(0, 0, 9, turn_id="t1"),
        used(1, 1, 3, turn_id="t2"),
        used(2, 2, 4, turn_id="t2"),
        used(3, 8, 9, turn_id="t1"),
    )

    rows = calls(events, "turn_id", "parallel_group")

    assert rows == [("t1", 1), ("t2", 2), ("t2", 2), ("t1", 1)]


def test_calls_of_sub_agents_are_held_against_each_other_alone() -> None:
    events = told(
        used(0, 0, 9, tool_name="Agent"),
        used(1, 1, 8, tool_name="Agent"),
        used(2, 2, 4, tool_name="Bash", subagent_id="x"),
        used(3, 3, 5, tool_name="Bash", subagent_id="y"),
    )

    rows = calls(events, "tool_name", "parallel_group")

    assert rows == [("Agent", 1), ("Agent", 1), ("Bash", 2), ("Bash", 2)]


def test_a_sub_agents_own_call_of_another_does_not_run_beside_the_call_of_it() -> None:
    events = told(
        used(0, 0, 9, tool_name="Agent"),
        used(1, 1, 8, tool_name="Agent", subagent_id="x"),
    )

    rows = calls(events, "parallel_group")

    assert rows == [(None,), (None,)]


def test_the_same_groups_are_told_by_logs_alone_and_with_spans() -> None:
    logged = [
        {"event_type": "tool_result", "tool_call_id": f"call-{n:02}", "tool_name": name}
        | {"time": at(end), "duration_ms": (end - begin) * 1000}
        for n, (name, begin, end) in enumerate([("Agent", 0, 9), ("Bash", 1, 4), ("Bash", 2, 5)])
    ]
    spans = [used(0, 0, 9), used(1, 1, 4, subagent_id="x"), used(2, 2, 5, subagent_id="y")]

    by_logs, by_both = (
        calls(told(*logged), "parallel_group"),
        calls(told(*logged, *spans), "parallel_group"),
    )

    assert by_logs == by_both == [(None,), (1,), (1,)]


def test_uses_without_a_session_are_held_against_those_of_their_trace_alone() -> None:
    events = told(
        used(0, 0, 9, session_id=None, trace_id="t1"),
        used(1, 1, 3, session_id=None, trace_id="t1"),
        used(2, 2, 4, session_id=None, trace_id="t2"),
        agent="my-agent",
    )

    rows = calls(events, "session_id", "parallel_group")

    stray = "no-session:my-agent:2026-11-20"
    assert rows == [(stray, 1), (stray, 1), (stray, None)]


def test_a_pending_use_runs_beside_all_that_began_later() -> None:
    events = told(
        {"event_type": "tool_decision", "tool_call_id": "a"},
        used(1, 2, 3),
        used(2, 4, 5),
        agent="codex",
    )

    rows = calls(events, "status", "parallel_group", as_of=10)

    assert rows == [("pending", 1), ("done", 1), ("done", 1)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=12))
def test_groups_are_what_overlaps_taken_pair_by_pair(drawn: list[Span]) -> None:
    spans = [(begin, begin + length) for begin, length in drawn]

    groups = groups_of(*spans)

    assert _named(groups) == _named(_by_hand(spans))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["tool", "tool_result", "tool_decision", "user_prompt", "turn"]),
            st.sampled_from(["1", "exec-2", None]),
            st.integers(0, 30),
            st.sampled_from(["exec", "Agent", None]),
        ),
        max_size=25,
    )
)
def test_what_a_session_gives_does_not_depend_on_the_others(drawn: list[Any]) -> None:
    events = told(
        *(
            {
                "session_id": session,
                "event_type": kind,
                "tool_call_id": call,
                "tool_name": name,
                "time": at(seconds),
                "end_time": at(seconds + 3) if kind in {"tool", "turn"} else None,
                "trace_id": f"trace-{seconds % 3}",
            }
            for session, kind, call, seconds, name in drawn
        ),
        agent="codex",
    )

    together = made(events)

    alone = [row for session in "abc" for row in _alone(events, session)]
    assert rows_of(together) == alone


@pytest.mark.parametrize("name", ["claude_code/hooks/grpc", "codex/app_server_long_turn_cost/grpc"])
def test_twice_the_same_gives_the_same(name: str) -> None:
    events = capture(name)

    first, second = made(events), made(events)

    assert first.equals(second)


def test_no_events_make_no_rows() -> None:
    rows = made(no_events(0))

    assert rows.num_rows == 0


def test_any_odd_event_is_borne() -> None:
    of = processor()

    (table,) = run_sessions([of], sample_events()).values()

    assert table.column("status").to_pylist() == ["done", "done"]


def _alone(events: Batch, session: str) -> list[Row]:
    of = processor()
    sessions = sessions_of(of.needs, events, ids=[session], as_of_us=micros(at(60)))
    rows = [row for each in of.process(sessions) if isinstance(each, Batch) for row in _rows(each)]
    return sorted(rows, key=lambda row: row["tool_call_id"])


def _rows(batch: Batch) -> list[Row]:
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in batch.records.to_pylist()
    ]


def _by_hand(spans: list[Span]) -> list[int | None]:
    """Join the uses of which one begins within another, until nothing is left to join."""
    head = list(range(len(spans)))
    pairs = [(a, b) for a in head for b in head if a != b and spans[a] <= spans[b]]
    for _ in spans:
        for one, other in pairs:
            if spans[other][0] < spans[one][1]:
                head[one] = head[other] = min(head[one], head[other])
    return [each if head.count(each) > 1 else None for each in head]


def _named(groups: list[int | None]) -> list[int | None]:
    """Name each group by the first that is in it."""
    return [None if each is None else groups.index(each) for each in groups]
