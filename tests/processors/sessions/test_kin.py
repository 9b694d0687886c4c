"""Check which session is said to have started another."""

import pyarrow as pa

from agentpond.pipeline.core.made import TOOL_CALLS
from agentpond.pipeline.testing import builders

from .given import Row, at, session, sessions, told

CHILD: Row = {"agent": "codex", "session_id": "child"}
PARENT: Row = {"agent": "codex", "session_id": "parent"}
START: Row = {"event_type": "session_start"}
PROMPT: Row = {"event_type": "user_prompt"}


def test_a_session_that_starts_in_the_turn_of_another_is_its_child() -> None:
    events = told(
        PARENT | START | {"trace_id": "a0"},
        PARENT | PROMPT | {"trace_id": "a1"},
        CHILD | START | {"trace_id": "a1"},
        CHILD | PROMPT | {"trace_id": "a1"},
    )

    rows = sessions(events)

    assert rows["child"]["parent_session_id"] == "parent"
    assert rows["child"]["started_by"] == "subagent"
    assert "parent_session_id" not in rows["parent"]
    assert rows["parent"]["started_by"] == "fresh"


def test_a_child_is_found_while_its_parent_is_not_at_hand() -> None:
    events = told(
        PARENT | START | {"trace_id": "a0"},
        PARENT | PROMPT | {"trace_id": "a1"},
        CHILD | START | {"trace_id": "a1"},
    )

    rows = sessions(events, ids=["child"])

    assert rows["child"]["parent_session_id"] == "parent"


def test_a_review_is_the_child_of_the_session_whose_span_asked_for_it() -> None:
    span = {"event_type": "turn", "signal": "traces", "time": at(60), "end_time": at(300)}
    events = told(
        PARENT | START | {"trace_id": "a0"},
        PARENT | span | {"trace_id": "a1"},
        CHILD | START | {"trace_id": "a1"},
    )

    rows = sessions(events)

    assert rows["child"]["parent_session_id"] == "parent"


def test_a_sub_agents_sub_agent_belongs_to_the_session_whose_turn_it_is() -> None:
    grandchild = {"agent": "codex", "session_id": "grandchild"}
    events = told(
        PARENT | PROMPT | {"trace_id": "a1"},
        CHILD | START | {"trace_id": "a1"},
        CHILD | PROMPT | {"trace_id": "a1"},
        grandchild | START | {"trace_id": "a1"},
    )

    rows = sessions(events)

    assert rows["grandchild"]["parent_session_id"] == "parent"


def test_a_trace_that_was_handed_to_two_sessions_makes_neither_the_others_parent() -> None:
    events = told(
        PARENT | START | {"trace_id": "env"},
        PARENT | PROMPT | {"trace_id": "env"},
        CHILD | START | {"trace_id": "env"},
        CHILD | PROMPT | {"trace_id": "env"},
    )

    rows = sessions(events)

    assert "parent_session_id" not in rows["child"]


def test_a_turn_that_begins_later_is_no_parents() -> None:
    events = told(
        CHILD | START | {"trace_id": "a1"},
        PARENT | PROMPT | {"trace_id": "a1"},
    )

    rows = sessions(events)

    assert "parent_session_id" not in rows["child"]


def test_the_parent_that_a_sessions_own_events_name_counts() -> None:
    events = told(
        PARENT | PROMPT | {"trace_id": "a1"},
        CHILD | START | {"trace_id": "a1"},
        CHILD | {"event_type": "assistant_response", "parent_session_id": "other"},
    )

    rows = sessions(events)

    assert rows["child"]["parent_session_id"] == "other"


def test_what_two_agents_send_each_other_names_parent_and_child() -> None:
    spawn = {"event_type": "subagent", "parent_session_id": "parent", "subagent_id": "child"}
    events = told({"agent": "codex", "session_id": None, **spawn}, CHILD | START)

    rows = sessions(events)

    assert rows["child"]["parent_session_id"] == "parent"


def test_a_session_is_never_its_own_parent() -> None:
    events = told({"session_id": "s", "parent_session_id": "s", "subagent_id": "s"})

    row = session(events)

    assert "parent_session_id" not in row


def test_what_a_sub_agent_is_asked_is_no_activity_of_a_human() -> None:
    events = told({"event_type": "user_prompt", "parent_session_id": "parent"})

    row = session(events)

    assert row["human_activity"] == 0


def test_a_session_that_the_result_of_a_spawn_names_is_the_child_of_the_spawning_one() -> None:
    spawned = {"event_type": "tool_result", "tool_name": "spawn_agent", "subagent_id": "child"}
    events = told(PARENT | START, CHILD | START, PARENT | spawned, CHILD | PROMPT)

    rows = sessions(events)

    child = rows["child"]
    assert (child["parent_session_id"], child["started_by"]) == ("parent", "subagent")
    assert child["human_activity"] == 0


def test_a_session_that_uses_tools_under_its_own_id_is_a_review() -> None:
    use = builders.batch(TOOL_CALLS, 1, session_id="child", subagent="child").records
    events = told(CHILD | START, CHILD | PROMPT)

    rows = sessions(events, {"tool_calls": pa.Table.from_batches([use])})

    child = rows["child"]
    assert (child["started_by"], child["human_activity"]) == ("review", 0)


def test_events_of_no_session_have_neither_parent_nor_start() -> None:
    stray: Row = {"agent": "codex", "session_id": None}
    unit = "no-session:codex:2026-11-20"
    use = builders.batch(TOOL_CALLS, 1, session_id=unit).records

    rows = sessions(
        told(stray | START, stray | START, stray | {"parent_session_id": "parent"}),
        {"tool_calls": pa.Table.from_batches([use])},
    )

    assert rows[unit].keys().isdisjoint({"parent_session_id", "started_by", "resumes"})
