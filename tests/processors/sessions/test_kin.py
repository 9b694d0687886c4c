"""Check which session is said to have started another."""

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
