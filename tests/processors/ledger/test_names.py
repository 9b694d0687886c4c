"""Check which log and which span are one call where a gateway sends no request ids."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from .made import NO_USAGE, calls_of, ledger_of, log, span

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)


def test_a_log_and_a_span_that_agree_are_one_call() -> None:
    told = [log(1), span(-400, until=0, span_id="5a", trace_id="77")]

    rows = calls_of(*told)

    assert [(row["api_call_id"], row["told_by"]) for row in rows] == [("5a", ["logs", "traces"])]


@pytest.mark.parametrize(("of_log", "of_span"), [("req_1", None), (None, "req_1")])
def test_a_call_of_which_only_one_of_them_knows_the_request_is_one(
    of_log: str | None, of_span: str | None
) -> None:
    told = [log(1, request_id=of_log), span(-400, until=0, span_id="5a", request_id=of_span)]

    rows = calls_of(*told)

    assert [(row["api_call_id"], row["told_by"]) for row in rows] == [("req_1", ["logs", "traces"])]


def test_a_call_that_was_never_answered_is_one() -> None:
    failed = {**NO_USAGE, "success": False, "attempt": 1}
    told = [
        log(1, **failed, event_type="api_error", reported_cost_usd=None),
        span(-400, until=0, span_id="5a", **failed),
    ]

    rows = calls_of(*told)

    assert [(row["success"], row["told_by"]) for row in rows] == [(False, ["logs", "traces"])]


def test_a_call_of_two_requests_is_two() -> None:
    told = [log(1, request_id="req_1"), span(-400, until=0, span_id="5a", request_id="req_2")]

    rows = calls_of(*told)

    assert len(rows) == 2


def test_a_call_may_go_by_two_names_of_a_model() -> None:
    told = [log(1, model="gpt-4o-2024-08-06"), span(-400, until=0, span_id="5a", model="gpt-4o")]

    rows = calls_of(*told)

    assert [row["told_by"] for row in rows] == [["logs", "traces"]]


def test_a_log_and_a_span_of_other_tokens_are_two_calls() -> None:
    told = [log(1, output_tokens=59), span(-400, until=0, span_id="5a")]

    rows = calls_of(*told)

    assert len(rows) == 2


def test_a_log_long_after_a_span_is_another_call() -> None:
    told = [log(1000), span(-400, until=0, span_id="5a")]

    rows = calls_of(*told)

    assert len(rows) == 2


def test_a_log_and_a_span_of_two_traces_are_two_calls() -> None:
    told = [log(1, trace_id="77"), span(-400, until=0, span_id="5a", trace_id="78")]

    rows = calls_of(*told)

    assert len(rows) == 2


def test_the_nearest_in_time_are_one_call() -> None:
    told = [
        span(-400, until=0, span_id="5a"),
        log(9, query_source="first"),
        span(-400, until=10, span_id="5b"),
        log(12, query_source="second"),
    ]

    rows = calls_of(*told)

    assert {row["api_call_id"]: row["query_source"] for row in rows} == {
        "5b": "first",
        "5a": "second",
    }


def test_a_call_whose_span_was_lost_takes_no_others() -> None:
    told = [
        log(0, query_source="first"),
        log(700, query_source="second"),
        span(300, until=699, span_id="5b"),
    ]

    rows = calls_of(*told)

    assert [(row["query_source"], row["told_by"]) for row in rows] == [
        ("first", ["logs"]),
        ("second", ["logs", "traces"]),
    ]


def test_a_log_written_within_a_calls_span_is_that_call() -> None:
    told = [
        span(-400, until=0, span_id="5a", trace_id="77", agent="my-agent"),
        log(-200, span_id="5a", trace_id="77", agent="my-agent", output_tokens=None),
    ]

    rows = calls_of(*told)

    assert [row["api_call_id"] for row in rows] == ["5a"]


def test_a_log_written_within_a_calls_span_has_its_request() -> None:
    told = [
        span(-400, until=0, span_id="5a", trace_id="77", request_id="resp_1", agent="my-agent"),
        log(-200, span_id="5a", trace_id="77", agent="my-agent"),
    ]

    rows = calls_of(*told)

    assert [(row["api_call_id"], row["told_by"]) for row in rows] == [
        ("resp_1", ["logs", "traces"])
    ]


def test_logs_of_one_turns_span_are_calls_of_their_own() -> None:
    told = [log(1, span_id="99", trace_id="77"), log(2, span_id="99", trace_id="77")]

    rows = calls_of(*told)

    assert len(rows) == 2


@PATIENT
@given(st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.integers(0, 2)), max_size=12))
def test_each_log_and_each_span_is_in_one_call(told: list[tuple[int, bool, int]]) -> None:
    rows = [
        log(ms, output_tokens=tokens) if is_log else span(ms - 100, until=ms, output_tokens=tokens)
        for ms, is_log, tokens in told
    ]

    made = ledger_of(*rows)["told_by"].to_pylist()

    assert sum(len(by) for by in made) == len(told)


@PATIENT
@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_logs_right_behind_their_spans_find_them(calls: int, gap_ms: int, chance: object) -> None:
    spans = [span(at * 100 - 50, until=at * 100, span_id=f"{at:02x}") for at in range(calls)]
    logs = [log(at * 100 + gap_ms) for at in range(calls)]
    rows = [*spans, *logs]
    chance.shuffle(rows)  # type: ignore[attr-defined]

    made = ledger_of(*rows)

    assert made["told_by"].to_pylist() == [["logs", "traces"]] * calls
