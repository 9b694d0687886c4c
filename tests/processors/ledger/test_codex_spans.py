"""Check which spans of Codex become calls, and that none tells a call again that logs told."""

from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from .codex_given import Row, asked, attempt, calls, error, prompt, response, stream, turn, usage

PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def told(row: Row, *names: str) -> list[object]:
    return [row[name] for name in names]


def test_a_response_is_a_call_of_the_session_and_turn_of_its_stream() -> None:
    (call,) = calls(stream(0, 50), response(48, 49))

    names = ("api_call_id", "session_id", "turn_id", "output_tokens", "usage_source", "told_by")
    assert told(call, *names) == ["response-48", "one", "turn-1", 40, "traces", ["traces"]]


def test_a_response_took_as_long_as_its_stream() -> None:
    (call,) = calls(stream(0, 50), response(48, 49))

    assert told(call, "duration_ms", "success") == [50.0, True]


def test_a_response_is_of_the_model_that_its_turn_names() -> None:
    (call,) = calls(turn(0, 60, model="gpt-6", speed="fast"), stream(0, 50), response(48, 49))

    assert told(call, "model", "provider", "speed") == ["gpt-6", "openai", "fast"]


def test_a_response_of_an_interrupted_turn_is_of_the_model_that_was_asked() -> None:
    (call,) = calls(asked(0, 51, model="gpt-6"), stream(0, 50), response(48, 49))

    assert told(call, "model", "cost_status") == ["gpt-6", "unpriced"]


def test_a_response_is_else_of_a_model_of_its_session() -> None:
    (call,) = calls(prompt(-500, turn_id="turn-0"), stream(0, 50), response(48, 49))

    assert call["model"] == "gpt-5.5"


def test_responses_in_a_trace_of_several_sessions_belong_to_the_stream_that_ends_next() -> None:
    rows = calls(
        stream(0, 100, session_id="parent", turn_id="turn-p"),
        stream(20, 60, session_id="child", turn_id="turn-c"),
        response(58, 59, 3),
        response(98, 99, 5),
    )

    assert [told(row, "session_id", "turn_id", "output_tokens") for row in rows] == [
        ["child", "turn-c", 3],
        ["parent", "turn-p", 5],
    ]


def test_a_response_of_another_trace_is_of_another_session() -> None:
    rows = calls(stream(0, 100), response(98, 99, trace_id="ff"))

    assert rows == []


def test_a_response_whose_stream_was_lost_is_not_of_a_later_one() -> None:
    rows = calls(response(48, 49, 3), stream(70, 100), response(98, 99, 5))

    assert [row["output_tokens"] for row in rows] == [5]


def test_a_stream_without_a_response_is_no_row() -> None:
    rows = calls(stream(0, 50))

    assert rows == []


def test_a_response_that_a_log_record_tells_too_is_one_call() -> None:
    (call,) = calls(usage(47), stream(0, 50), response(48, 49))

    assert told(call, "usage_source", "told_by") == ["logs", ["logs", "traces"]]
    assert told(call, "turn_id", "duration_ms") == ["turn-1", 50.0]


def test_a_record_and_a_response_that_count_otherwise_are_one_call() -> None:
    (call,) = calls(usage(47), stream(0, 50), response(48, 49, 41, cache_read_tokens=0))

    assert told(call, "output_tokens", "cache_read_tokens") == [40, 900]


def test_a_record_that_was_written_late_is_paired_by_its_tokens() -> None:
    (call,) = calls(usage(700), stream(0, 50), response(48, 49))

    assert call["told_by"] == ["logs", "traces"]


def test_a_call_whose_record_was_lost_is_told_by_its_response() -> None:
    rows = calls(
        *(stream(0, 50), response(48, 49)),
        *(stream(100, 150), response(148, 149), usage(147)),
    )

    assert [told(row, "output_tokens", "usage_source") for row in rows] == [
        [40, "traces"],
        [40, "logs"],
    ]


def test_a_turn_of_which_spans_tell_adds_to_a_turn_of_which_logs_told() -> None:
    rows = calls(
        *(prompt(0), attempt(10), usage(20)),
        *(stream(5000, 5050, turn_id="turn-2"), response(5048, 5049, 7)),
        turn(4990, 5060, 7, turn_id="turn-2"),
    )

    assert [told(row, "output_tokens", "usage_source") for row in rows] == [
        [40, "logs"],
        [7, "traces"],
    ]


def test_what_a_compaction_spent_is_the_rest_of_its_turn() -> None:
    calls_told = [stream(0, 50), response(48, 49), stream(200, 250), response(248, 249)]
    whole = {"input_tokens": 1300, "cache_read_tokens": 2800, "reasoning_tokens": 20}

    rows = calls(turn(0, 300, 280, **whole), *calls_told)

    names = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens")
    assert [told(row, "api_call_id", *names) for row in rows[2:]] == [
        ["bb/rest", 1100, 1000, 200, 4]
    ]


def test_a_response_that_is_incomplete_is_told_by_its_turn() -> None:
    turns = turn(0, 150, 80, input_tokens=200, cache_read_tokens=1800)

    rows = calls(turns, attempt(10), usage(50), attempt(100), error(140, "max_output_tokens"))

    assert [told(row, "success", "output_tokens", "usage_source") for row in rows] == [
        [True, 40, "logs"],
        [False, None, None],
        [None, 40, "traces"],
    ]


def test_usage_that_stands_with_the_wrong_turn_is_not_counted_twice() -> None:
    turns = [
        turn(0, 100, trace_id="t1", turn_id="turn-1"),
        turn(100, 200, trace_id="t2", turn_id="turn-2", span_id="cc"),
    ]

    rows = calls(*turns, usage(150), usage(160))

    assert [row["usage_source"] for row in rows] == ["logs", "logs"]


def test_what_is_missing_is_counted_once_where_usage_stands_with_the_wrong_turn() -> None:
    three = {"input_tokens": 300, "cache_read_tokens": 2700}
    turns = [
        turn(0, 100, 120, trace_id="t1", turn_id="turn-1", **three),
        turn(100, 200, trace_id="t2", turn_id="turn-2", span_id="cc"),
    ]

    rows = calls(*turns, usage(150), usage(160))

    assert sum(row["output_tokens"] for row in rows) == 160
    assert [
        told(row, "turn_id", "input_tokens") for row in rows if row["told_by"] == ["traces"]
    ] == [["turn-1", 200]]


def test_the_rest_is_no_more_than_the_turn_told_where_cached_tokens_differ() -> None:
    rows = calls(turn(0, 100, 50, cache_read_tokens=0, input_tokens=1000), usage(50))

    names = ("input_tokens", "cache_read_tokens", "output_tokens")
    assert [told(row, *names) for row in rows] == [[100, 900, 40], [0, 0, 10]]


def test_a_rest_is_priced_as_a_sum_of_calls() -> None:
    many = {"input_tokens": 200_000, "cache_read_tokens": 200_000, "model": "gpt-5.6-sol"}

    (call,) = calls(turn(0, 100, 40, **many))

    assert call["cost_note"] == (
        "a sum of calls, priced as if none was longer than the price's first tier"
    )


@PATIENT
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 2)), max_size=6), st.booleans()
)
def test_a_call_counts_once_whoever_tells_of_it(
    made: list[tuple[bool, bool, int]], whole: bool
) -> None:
    rows: list[Row] = [prompt(-10)]
    for number, (logged, traced, output) in enumerate(made):
        begun = number * 1000.0
        rows.append(stream(begun, begun + 500))
        rows += [usage(begun + 497, output)] if logged else []
        rows += [response(begun + 498, begun + 499, output)] if traced else []
    count, outputs = len(made), sum(output for *_, output in made)
    tokens = {"input_tokens": 100 * count, "cache_read_tokens": 900 * count}
    rows += [turn(-20, count * 1000.0, outputs, **tokens)] if whole and made else []

    counted = sum(row["output_tokens"] or 0 for row in calls(*rows))

    told_of = sum(output for logged, traced, output in made if logged or traced)
    assert counted == (outputs if whole else told_of)
