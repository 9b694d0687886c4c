"""Answers: how a request ended, as its sender reads it."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.signal import Accepted, Encoding, Signal
from agentpond.receiver.otlp import answers

ALL = Accepted(position=0, records=5)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(("encoding", "body"), [("protobuf", b""), ("json", b"{}")])
def test_full_success_leaves_partial_success_unset(
    signal: Signal, encoding: str, body: bytes
) -> None:
    accepted = ALL

    answer = answers.http_answer(accepted, signal, Encoding(encoding))

    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        ("traces", "rejectedSpans"),
        ("metrics", "rejectedDataPoints"),
        ("logs", "rejectedLogRecords"),
    ],
)
def test_partial_success_in_json_counts_in_text_under_the_signals_own_name(
    signal: str, field: str
) -> None:
    accepted = Accepted(position=0, records=5, rejected=3, message="3 had no id. Send 16 bytes.")

    answer = answers.http_answer(accepted, Signal(signal), Encoding.JSON)

    assert json.loads(answer.body) == {
        "partialSuccess": {field: "3", "errorMessage": "3 had no id. Send 16 bytes."}
    }


def test_partial_success_in_protobuf_is_read_by_the_official_class() -> None:
    accepted = Accepted(position=0, records=5, rejected=3, message="why")

    body = answers.success(accepted, Signal.TRACES, Encoding.PROTOBUF)

    told = ExportTraceServiceResponse.FromString(body).partial_success
    assert (told.rejected_spans, told.error_message) == (3, "why")


def test_a_warning_on_full_acceptance_is_a_message_with_nothing_rejected() -> None:
    accepted = Accepted(position=0, records=5, message="snake_case keys were ignored")

    body = answers.success(accepted, Signal.LOGS, Encoding.PROTOBUF)

    told = ExportLogsServiceResponse.FromString(body).partial_success
    assert (told.rejected_log_records, told.error_message) == (0, "snake_case keys were ignored")


@pytest.mark.parametrize(
    ("reason", "http_status", "code"),
    [
        ("invalid_protobuf", 400, code_pb2.INVALID_ARGUMENT),
        ("broken_gzip", 400, code_pb2.INVALID_ARGUMENT),
        ("unauthenticated", 401, code_pb2.UNAUTHENTICATED),
        ("forbidden_host", 403, code_pb2.PERMISSION_DENIED),
        ("forbidden_origin", 403, code_pb2.PERMISSION_DENIED),
        ("not_found", 404, code_pb2.UNIMPLEMENTED),
        ("bad_method", 405, code_pb2.UNIMPLEMENTED),
        ("length_required", 411, code_pb2.INVALID_ARGUMENT),
        ("too_large", 413, code_pb2.RESOURCE_EXHAUSTED),
        ("headers_too_large", 431, code_pb2.INVALID_ARGUMENT),
        ("bad_content_type", 415, code_pb2.INVALID_ARGUMENT),
        ("bad_encoding", 415, code_pb2.INVALID_ARGUMENT),
    ],
)
def test_a_permanent_error_has_the_status_of_its_reason(
    reason: str, http_status: int, code: int
) -> None:
    error = Permanent("words", reason=reason)

    answer = answers.http_refusal(error, Encoding.PROTOBUF)

    assert (answer.status, status_pb2.Status.FromString(answer.body).code) == (http_status, code)


def test_bad_data_names_its_reason_in_bad_request() -> None:
    error = Permanent("words", reason="invalid_protobuf")

    status = answers.status(error)

    wrong = error_details_pb2.BadRequest()
    status.details[0].Unpack(wrong)
    assert wrong.field_violations[0].description == "invalid_protobuf"


def test_too_large_carries_no_retry_info() -> None:
    error = Permanent("words", reason="too_large")

    status = answers.status(error)

    assert list(status.details) == []


def test_a_retryable_error_carries_its_delay_in_retry_info() -> None:
    error = Retryable("words", retry_after_s=2.5)

    status = answers.status(error)

    retry = error_details_pb2.RetryInfo()
    status.details[0].Unpack(retry)
    assert (status.code, retry.retry_delay.ToMilliseconds()) == (code_pb2.UNAVAILABLE, 2500)


@pytest.mark.parametrize(("retry_after_s", "header"), [(0.0, "1"), (1.0, "1"), (2.1, "3")])
def test_retry_after_is_whole_seconds_and_at_least_one(retry_after_s: float, header: str) -> None:
    error = Retryable("words", retry_after_s=retry_after_s)

    answer = answers.http_refusal(error, Encoding.JSON)

    assert (answer.status, answer.headers["Retry-After"]) == (503, header)


def test_a_wrong_method_is_told_the_right_one() -> None:
    error = Permanent("words", reason="bad_method")

    answer = answers.http_refusal(error, Encoding.JSON)

    assert answer.headers["Allow"] == "POST"


def test_a_refusal_in_json_names_code_message_and_details() -> None:
    error = Retryable("the log is full", retry_after_s=2.0)

    answer = answers.http_refusal(error, Encoding.JSON)

    assert json.loads(answer.body) == {
        "code": 14,
        "message": "the log is full",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
    }


@given(
    message=st.text(st.characters(exclude_categories=()), max_size=3000),
    reason=st.sampled_from(["too_large", "not_found", "anything else"]),
    encoding=st.sampled_from(Encoding),
)
def test_any_message_makes_a_readable_answer(message: str, reason: str, encoding: Encoding) -> None:
    error = Permanent(message, reason=reason)

    answer = answers.http_refusal(error, encoding)

    told = (
        json.loads(answer.body).get("message", "")
        if encoding is Encoding.JSON
        else status_pb2.Status.FromString(answer.body).message
    )
    assert len(told) <= 1000


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("limit_bytes", [answers.LEAST_ANSWER_BYTES, 1000])
def test_an_answer_over_the_limit_loses_words_and_keeps_the_count(
    encoding: Encoding, limit_bytes: int
) -> None:
    accepted = Accepted(position=0, records=5, rejected=3, message="\x01ä" * 1000)

    body = answers.success(accepted, Signal.LOGS, encoding, limit_bytes)

    told = read_partial_success(body, encoding)
    assert len(body) <= limit_bytes
    assert told.rejected_log_records == 3
    assert told.error_message.startswith("\x01ä")


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(
    "error", [Permanent("ä" * 1000, reason="too_large"), Retryable("ä" * 1000)], ids=str
)
def test_a_refusal_over_the_limit_loses_words_only(
    encoding: Encoding, error: answers.Refusal
) -> None:
    limit_bytes = answers.LEAST_ANSWER_BYTES

    answer = answers.http_refusal(error, encoding, limit_bytes)

    assert len(answer.body) <= limit_bytes
    assert ("ä" in answer.body.decode("utf-8", "ignore")) or b"\\u00e4" in answer.body


def test_a_missing_token_is_answered_with_how_to_show_one() -> None:
    error = Permanent("send a token.", reason="unauthenticated")

    answer = answers.http_refusal(error, Encoding.JSON)

    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_status_line_repeats_the_words_in_ascii_on_one_line() -> None:
    error = Permanent("Path:\r\nü is none.", reason="not_found")

    answer = answers.http_refusal(error, Encoding.PROTOBUF)

    assert answer.reason == "Not Found: Path:??? is none."


def read_partial_success(body: bytes, encoding: Encoding) -> Any:
    if encoding is Encoding.JSON:
        return json_format.Parse(body, ExportLogsServiceResponse()).partial_success
    return ExportLogsServiceResponse.FromString(body).partial_success
