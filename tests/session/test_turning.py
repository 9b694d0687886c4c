"""Every event belongs to the turn it names, or to the one that had begun last."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.session.turning import turns_of

Told = tuple[str, str | None, str | None]
"""An event's type, turn_id and trace_id."""


def rows(
    *told: Told,
    session: str = "s",
    span_id: list[str | None] | None = None,
    end_time: list[int | None] | None = None,
) -> pa.RecordBatch:
    """Make events, one a second."""
    kinds, turns, traces = zip(*told, strict=True) if told else ((), (), ())
    nothing = [None] * len(told)
    return pa.record_batch(
        {
            "session_id": pa.array([session] * len(told), pa.string()),
            "event_type": pa.array(kinds, pa.string()),
            "turn_id": pa.array(turns, pa.string()),
            "trace_id": pa.array(traces, pa.string()),
            "span_id": pa.array(span_id or nothing, pa.string()),
            "time": pa.array(range(len(told)), pa.int64()).cast(pa.timestamp("us")),
            "end_time": pa.array(end_time or nothing, pa.int64()).cast(pa.timestamp("us")),
        }
    )


def turns(events: pa.RecordBatch) -> list[tuple[str | None, int | None]]:
    told = turns_of(events)
    return list(zip(told.turn_id.to_pylist(), told.number.to_pylist(), strict=True))


def test_claude_code_logs_name_their_prompt_and_spans_share_its_trace() -> None:
    events = rows(
        ("turn", None, "t1"),
        ("user_prompt", "p1", "t1"),
        ("llm_request", None, "t1"),
        ("api_request", "p1", None),
        ("user_prompt", "p2", "t2"),
        ("api_request", "p1", "t1"),
    )

    told = turns(events)

    assert told == [("p1", 1), ("p1", 1), ("p1", 1), ("p1", 1), ("p2", 2), ("p1", 1)]


def test_claude_code_spans_alone_are_turns_by_their_trace() -> None:
    events = rows(
        ("turn", None, "t1"),
        ("llm_request", None, "t1"),
        ("turn", None, "t2"),
        ("tool", None, "t2"),
    )

    told = turns(events)

    assert told == [("t1", 1), ("t1", 1), ("t2", 2), ("t2", 2)]


def test_codex_usage_without_a_trace_belongs_to_the_prompt_before_it() -> None:
    events = rows(
        ("session_start", None, "start"),
        ("user_prompt", "t1", "t1"),
        ("api_request", None, None),
        ("user_prompt", "t2", "t2"),
        ("api_request", None, None),
    )

    told = turns(events)

    assert told == [(None, None), ("t1", 1), ("t1", 1), ("t2", 2), ("t2", 2)]


def test_a_codex_turn_has_the_id_that_its_span_tells() -> None:
    events = rows(
        ("turn", "turn-id", "t1"),
        ("user_prompt", "t1", "t1"),
        ("api_request", None, None),
    )

    told = turns(events)

    assert told == [("turn-id", 1)] * 3


def test_prompts_that_nothing_names_are_named_by_their_number() -> None:
    events = rows(
        ("user_prompt", None, None),
        ("api_request", None, None),
        ("user_prompt", None, None),
        ("tool_result", None, None),
        session="one",
    )

    told = turns(events)

    assert told == [("one/1", 1), ("one/1", 1), ("one/2", 2), ("one/2", 2)]


def test_one_trace_over_many_prompts_is_no_turn() -> None:
    events = rows(
        ("user_prompt", "given", "given"),
        ("api_request", None, None),
        ("user_prompt", "given", "given"),
        ("tool_result", "given", "given"),
        session="one",
    )

    told = turns(events)

    assert told == [("one/1", 1), ("one/1", 1), ("one/2", 2), ("one/2", 2)]


def test_a_prompt_belongs_to_the_span_it_points_to_though_all_share_a_trace() -> None:
    events = rows(
        ("turn", None, "given"),
        ("user_prompt", "p1", "given"),
        ("llm_request", None, "given"),
        ("turn", None, "given"),
        ("user_prompt", "p2", "given"),
        ("llm_request", None, "given"),
        span_id=["s1", "s1", "x", "s2", "s2", "y"],
    )

    told = turns(events)

    assert told == [("p1", 1)] * 3 + [("p2", 2)] * 3


def test_a_prompt_belongs_to_the_span_around_it_though_all_share_a_trace() -> None:
    events = rows(
        ("turn", "id1", "given"),
        ("user_prompt", "given", "given"),
        ("api_request", None, None),
        ("turn", "id2", "given"),
        ("user_prompt", "given", "given"),
        ("api_request", None, None),
        end_time=[2, None, None, 5, None, None],
    )

    told = turns(events)

    assert told == [("id1", 1)] * 3 + [("id2", 2)] * 3


def test_two_prompts_in_one_turns_time_are_one_turn() -> None:
    events = rows(
        ("turn", "id1", "t"),
        ("user_prompt", "t", "t"),
        ("user_prompt", "t", "t"),
        ("api_request", None, None),
        end_time=[3, None, None, None],
    )

    told = turns(events)

    assert told == [("id1", 1)] * 4


def test_a_session_without_a_prompt_is_one_turn_from_its_start() -> None:
    events = rows(
        ("startup", None, None),
        ("session_start", None, "parents"),
        ("api_request", None, None),
        session="child",
    )

    told = turns(events)

    assert told == [(None, None), ("child/1", 1), ("child/1", 1)]


def test_a_process_that_takes_a_session_up_again_is_not_in_the_turn_before() -> None:
    events = rows(
        ("user_prompt", "p1", None),
        ("session_start", None, None),
        ("startup", None, None),
        ("user_prompt", "p2", None),
    )

    told = turns(events)

    assert told == [("p1", 1), (None, None), (None, None), ("p2", 2)]


def test_a_turn_whose_prompt_was_lost_has_the_id_that_others_of_its_trace_name() -> None:
    events = rows(
        ("turn", None, "t1"),
        ("llm_request", None, "t1"),
        ("api_request", "p1", "t1"),
        ("user_prompt", "p2", "t2"),
    )

    told = turns(events)

    assert told == [("p1", 1), ("p1", 1), ("p1", 1), ("p2", 2)]


def test_what_comes_before_the_first_prompt_has_no_turn() -> None:
    events = rows(("hook", None, None), ("user_prompt", "p1", None))

    told = turns(events)

    assert told == [(None, None), ("p1", 1)]


def test_a_turn_whose_prompt_was_lost_is_told_by_what_names_it() -> None:
    events = rows(("api_request", "p1", None), ("user_prompt", "p2", None))

    told = turns(events)

    assert told == [("p1", 1), ("p2", 2)]


def test_a_session_does_not_begin_in_the_turn_of_the_one_before() -> None:
    both = [rows(("user_prompt", "p1", None), session="a"), rows(("hook", None, None), session="b")]

    told = turns(pa.concat_batches(both))

    assert told == [("p1", 1), (None, None)]


def test_two_sessions_may_share_a_trace() -> None:
    parent = rows(("turn", "own", "t"), ("user_prompt", "t", "t"), session="parent")
    child = rows(("session_start", None, "t"), ("turn", "sub", "t"), session="child")

    told = turns(pa.concat_batches([child, parent]))

    assert told == [("sub", 1), ("sub", 1), ("own", 1), ("own", 1)]


def test_no_events_have_no_turns() -> None:
    told = turns_of(rows())

    assert (len(told.turn_id), len(told.number)) == (0, 0)


EVENT = st.tuples(
    st.sampled_from(["user_prompt", "turn", "session_start", "api_request", "tool_result"]),
    st.sampled_from(["p1", "p2", "t1", None]),
    st.sampled_from(["t1", "t2", None]),
)


@given(st.lists(EVENT, max_size=12), st.lists(EVENT, max_size=12))
def test_a_sessions_turns_do_not_depend_on_its_company(one: list[Told], two: list[Told]) -> None:
    first, second = rows(*one, session="a"), rows(*two, session="b")

    together = turns(pa.concat_batches([first, second]))

    assert together == turns(first) + turns(second)


@given(st.lists(EVENT, max_size=12))
def test_leaving_out_other_events_leaves_the_turns_of_the_rest(told: list[Told]) -> None:
    begins = [kind in {"user_prompt", "turn", "session_start"} for kind, _, _ in told]
    unnamed = [
        (kind, turn if at else None, trace)
        for (kind, turn, trace), at in zip(told, begins, strict=True)
    ]
    whole = rows(*unnamed)

    fewer = turns_of(whole.filter(pa.array(begins, pa.bool_()))).turn_id.to_pylist()

    all_of_them = turns_of(whole).turn_id.to_pylist()
    assert fewer == [turn for turn, begin in zip(all_of_them, begins, strict=True) if begin]


@pytest.mark.parametrize("column", ["session_id", "event_type", "turn_id", "trace_id", "span_id"])
def test_every_column_it_takes_is_needed(column: str) -> None:
    events: Any = rows(("user_prompt", "p1", None)).drop_columns([column])

    with pytest.raises(KeyError):
        turns_of(events)
