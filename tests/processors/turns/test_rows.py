"""Check the turns of captured runs, and that turns keep the contract."""

from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.processors.turns import factory
from agentpond.pipeline.testing import check_processor

from ...golden.batches import batch_of
from ...golden.captures import captures
from .given import Row, answer, call, captured, prompt, sessions, span, tool, turns

PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)


def test_a_session_of_codex_has_the_turns_a_person_would_count() -> None:
    rows = captured("codex/app_server_long_turn_cost/http-protobuf")

    told = ("number", "prompt", "api_calls", "tool_calls", "tokens", "status")
    assert [tuple(row[name] for name in told) for row in rows] == [
        (1, "Tag the release, remove build, add notes", 7, 6, 66160, "done"),
        (2, "Now think harder", 1, 0, 10320, "done"),
        (3, "Run something long", 1, 1, 10230, "aborted"),
        (4, "Try to tag again", 1, 1, 10330, "aborted"),
        (5, "This one fails", 1, 0, None, "done"),
    ]


def test_logs_of_codex_alone_tell_of_the_same_turns() -> None:
    rows = captured("codex/app_server_long_turn_cost/http-protobuf", Signal.LOGS)

    told = ("number", "prompt", "api_calls", "tokens")
    assert [tuple(row[name] for name in told) for row in rows] == [
        (1, "Tag the release, remove build, add notes", 7, 66160),
        (2, "Now think harder", 1, 10320),
        (3, "Run something long", 1, 10230),
        (4, "Try to tag again", 1, 10330),
        (5, "This one fails", 1, None),
    ]


def test_what_codex_says_a_turn_cost_stands_with_the_turn() -> None:
    rows = captured("codex/app_server_long_turn_cost/http-protobuf")

    assert [row["reported_cost_usd"] for row in rows] == [0.012345] * 5


def test_without_spans_nothing_tells_which_turn_a_cost_is_of() -> None:
    rows = captured("codex/app_server_long_turn_cost/http-protobuf", Signal.LOGS)

    assert [row["reported_cost_usd"] for row in rows] == [None] * 5


def test_a_turn_of_claude_code_has_what_the_program_said_of_it() -> None:
    (row,) = captured("claude_code/tools/grpc")

    told = ("prompt", "api_calls", "tool_calls", "errors", "status", "cost_coverage")
    assert [row[name] for name in told] == [
        *("Fix the failing test and commit.", 11, 11, 3, "done", 1.0)
    ]
    assert round(row["cost_usd"], 9) == 0.2900395


def test_logs_and_traces_of_claude_code_alone_tell_of_the_same_turn() -> None:
    told = ("prompt", "api_calls", "tool_calls", "errors", "tokens", "status")

    logs, traces = (
        [tuple(row[name] for name in told) for row in captured("claude_code/tools/grpc", signal)]
        for signal in (Signal.LOGS, Signal.TRACES)
    )

    assert logs == traces


def test_a_resumed_session_goes_on_counting_its_turns() -> None:
    rows = captured("claude_code/resume/grpc")

    assert [(row["number"], row["prompt"]) for row in rows] == [
        (1, "Fork it."),
        (1, "What is in the README?"),
        (2, "And the git status?"),
        (3, "Go on."),
    ]


def test_turns_keep_their_contract() -> None:
    given = [batch_of(captures(f"{name}/grpc")[0]) for name in ("claude_code/resume",)]

    check_processor(factory, batches=given)

    assert factory.name == "turns"


def _events(name: str) -> st.SearchStrategy[Row]:
    seconds = st.integers(0, 900).map(float)
    ids = st.sampled_from(["t1", "t2", None])
    kinds: list[Any] = [prompt, answer, lambda s, t, **c: span(s, s + 5, t, **c)]
    return st.builds(
        lambda make, s, t: make(s, t, session_id=name), st.sampled_from(kinds), seconds, ids
    )


def _calls(name: str) -> st.SearchStrategy[Row]:
    return st.builds(
        lambda s, t, cost: call(s, t, session_id=name, cost_usd=cost),
        st.integers(0, 900).map(float),
        st.sampled_from(["t1", "t3", None]),
        st.sampled_from([0.1, 0.2, 0.3, None]),
    )


def _tools(name: str) -> st.SearchStrategy[Row]:
    return st.builds(
        lambda s, status: tool(s, None, status, session_id=name),
        st.integers(0, 900).map(float),
        st.sampled_from(["pending", "no_result"]),
    )


def _session(name: str) -> st.SearchStrategy[tuple[list[Row], list[Row], list[Row]]]:
    kinds = (_events(name), _calls(name), _tools(name))
    return st.tuples(*(st.lists(kind, max_size=6) for kind in kinds))


@PATIENT
@given(_session("a"), _session("b"), st.integers(0, 2000))
def test_the_turns_of_a_session_do_not_depend_on_which_others_are_at_hand(
    one: tuple[list[Row], ...], two: tuple[list[Row], ...], as_of: int
) -> None:
    rows = [[*first, *second] for first, second in zip(one, two, strict=True)]

    together = turns(sessions(*rows, as_of=as_of))

    alone = [row for name in ("a", "b") for row in turns(sessions(*rows, as_of=as_of, ids=[name]))]
    assert together == alone
