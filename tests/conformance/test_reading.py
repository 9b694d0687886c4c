"""Whatever bytes come back, they are judged and told in words, never in a traceback."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st

from agentpond.conformance import partly, verdicts
from agentpond.conformance.model import (
    Answer,
    Compression,
    GrpcAnswer,
    HttpAnswer,
    Shot,
    Signal,
    Silence,
    Transport,
    Verdict,
)
from agentpond.conformance.reading import words

Judge = Callable[[Shot, Answer], Verdict]

JUDGES: list[Judge] = [
    verdicts.bad_data,
    verdicts.bad_request_details,
    verdicts.delay,
    partly.exactly(2),
    partly.explained,
    verdicts.gzip_if_any,
    verdicts.is_any_status,
    verdicts.is_status,
    verdicts.over_limit,
    partly.partly_ok,
    verdicts.reads_as_unset,
    verdicts.refused_or_rejected,
    partly.rejects(2),
    verdicts.retry_after,
    verdicts.same_type,
    verdicts.says("/v1/", "name the path"),
    verdicts.small,
    verdicts.taken,
    verdicts.unset,
    verdicts.warned,
    partly.warning,
]

KEYS = st.sampled_from(
    ["partialSuccess", "rejectedSpans", "errorMessage", "code", "message", "details", "@type"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=4,
)
PACKED = st.builds(
    lambda kind, value: status_pb2.Status(
        details=[Packed(type_url=f"type.googleapis.com/{kind}", value=value)]
    ).SerializeToString(),
    st.sampled_from(["google.rpc.BadRequest", "google.rpc.RetryInfo", "nobody.Knows"]),
    st.binary(max_size=20),
)
BODIES = (
    st.binary(max_size=60) | st.dictionaries(KEYS, VALUES).map(lambda v: json.dumps(v).encode())
) | PACKED
HEADERS = st.tuples(
    st.sampled_from(["Content-Type", "Content-Encoding", "Retry-After", "Allow"]),
    st.sampled_from(["application/json", "application/x-protobuf", "gzip", "br", "", "a, b", "1"]),
)
HTTP_ANSWERS = st.builds(
    HttpAnswer,
    status=st.sampled_from([200, 202, 302, 400, 413, 503]),
    headers=st.lists(HEADERS, max_size=3).map(tuple),
    body=BODIES,
)
GRPC_ANSWERS = st.builds(
    GrpcAnswer,
    code=st.sampled_from(["OK", "UNAVAILABLE", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"]),
    message=st.text(max_size=20),
    trailers=BODIES.map(lambda body: (("grpc-status-details-bin", body),)),
    body=BODIES,
)
SILENCES = st.builds(Silence, st.text())


def shots(*transports: Transport) -> st.SearchStrategy[Shot]:
    return st.builds(
        Shot,
        words=st.just("anything"),
        signal=st.sampled_from(Signal),
        transport=st.sampled_from(transports),
        compression=st.just(Compression.NONE),
        body=st.just(lambda: b""),
    )


SEEN = st.one_of(
    st.tuples(shots(Transport.PROTOBUF, Transport.JSON), HTTP_ANSWERS | SILENCES),
    st.tuples(shots(Transport.GRPC), GRPC_ANSWERS | SILENCES),
)


@given(SEEN)
def test_every_judge_has_a_verdict_on_every_answer(seen: tuple[Shot, Answer]) -> None:
    verdicts_of_all = [judge(*seen) for judge in JUDGES]

    assert all(isinstance(verdict, Verdict) for verdict in verdicts_of_all)


@given(SEEN)
def test_every_answer_is_told_in_words(seen: tuple[Shot, Answer]) -> None:
    told = words(*seen)

    assert isinstance(told, str)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (HttpAnswer(200, (), b""), "200; 0 bytes"),
        (
            HttpAnswer(404, (("content-type", "text/plain"),), b"page not found"),
            '404, Content-Type: text/plain; 14 bytes, not a protobuf Status: "page not found"',
        ),
        (
            HttpAnswer(400, (), status_pb2.Status(message="no ids").SerializeToString()),
            '400; Status {message: "no ids"}',
        ),
        (GrpcAnswer("OK", "", (), b""), "OK; ExportLogsServiceResponse {}"),
        (Silence("no answer within 5 s"), "no answer within 5 s"),
    ],
)
def test_an_answer_is_told_with_its_body_decoded(answer: Answer, told: str) -> None:
    shot = Shot("any", Signal.LOGS, Transport.PROTOBUF, Compression.NONE, lambda: b"")

    said = words(shot, answer)

    assert said == told


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"@type": 5}, "not a JSON Status"),
        ({"@type": "type.googleapis.com/google.protobuf.Any"}, "not a JSON Status"),
        ({"@type": "type.googleapis.com/nobody.Knows", "x": 1}, 'Status {message: "no ids"}'),
    ],
    ids=["a type that is no text", "Any itself", "a kind that is not known here"],
)
def test_a_status_in_json_is_told_whatever_its_details_are(
    detail: dict[str, Any], told: str
) -> None:
    body = json.dumps({"message": "no ids", "details": [detail]}).encode()
    shot = Shot("any", Signal.LOGS, Transport.JSON, Compression.NONE, lambda: b"")

    said = words(shot, HttpAnswer(400, (("content-type", "application/json"),), body))

    assert told in said
