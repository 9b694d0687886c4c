"""Hold the codec to its word: a bad body is refused alone, and grouping changes nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.component import Placed, Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.codec import OtlpCodec

from .build import TIME_NS, gauge, log, logs, request, rows_of, span, spans
from .wire.generated import REQUESTS
from .wire.otlp_json import Writing, to_json

MODERATE = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
# A length near 2**64 makes ptars panic, invalid UTF-8 makes msgspec raise what is no DecodeError.
BAD = {
    Encoding.PROTOBUF: b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
    Encoding.JSON: b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"\xff"}]}]}]}',
}


def good(number: int, encoding: Encoding) -> Request:
    message = logs([log({"number": number})])
    if encoding is Encoding.PROTOBUF:
        return request(message)
    return Request(Signal.LOGS, encoding, to_json(message, Writing()), TIME_NS, "otlp")


def bad(encoding: Encoding) -> Request:
    return Request(Signal.LOGS, encoding, BAD[encoding], TIME_NS, "otlp")


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("at", range(7))
def test_a_bad_body_is_refused_alone_wherever_it_stands(at: int, encoding: Encoding) -> None:
    requests = [good(number, encoding) for number in range(6)]
    requests.insert(at, bad(encoding))

    verdicts, _ = OtlpCodec().decode(requests)

    refused = [number for number, verdict in enumerate(verdicts) if isinstance(verdict, Permanent)]
    assert refused == [at]


@settings(max_examples=40, deadline=None)
@given(good_ones=st.lists(st.booleans(), max_size=12), encoding=st.sampled_from(Encoding))
def test_of_any_mixture_all_good_bodies_become_events(
    good_ones: list[bool], encoding: Encoding
) -> None:
    requests = [
        good(number, encoding) if is_good else bad(encoding)
        for number, is_good in enumerate(good_ones)
    ]

    verdicts, decoded = OtlpCodec().decode(requests)

    taken = [number for number, is_good in enumerate(good_ones) if is_good]
    assert [number for number, one in enumerate(verdicts) if one == Taken(1)] == taken
    assert _numbers(_events(Placed(decoded, taken, [TIME_NS] * len(taken)))) == [
        (position, str(position)) for position in taken
    ]


def test_a_mixture_of_signals_and_encodings_keeps_each_verdict_in_its_place() -> None:
    requests = [
        request(spans([span({}), span({}, trace_id=b"")])),
        good(1, Encoding.JSON),
        bad(Encoding.PROTOBUF),
        request(gauge("g", {}, 1.0, time_unix_nano=0)),
        good(2, Encoding.PROTOBUF),
    ]

    verdicts, _ = OtlpCodec().decode(requests)

    assert [
        (one.records, one.rejected) if isinstance(one, Taken) else one.reason for one in verdicts
    ] == [(1, 1), (1, 0), "invalid_protobuf", (0, 1), (1, 0)]


def test_a_rejected_item_is_told_in_words_that_say_what_to_do() -> None:
    (verdict,), _ = OtlpCodec().decode([request(spans([span({}, span_id=bytes(8))]))])

    assert isinstance(verdict, Taken)
    assert verdict.message == (
        "1 span(s) rejected: trace_id must be 16 bytes and span_id 8, neither all zero. "
        "Let the SDK make the ids; in OTLP/JSON write them in hex."
    )


@pytest.mark.parametrize("signal", Signal)
@MODERATE
@given(data=st.data())
def test_requests_become_the_same_events_however_they_are_grouped(
    signal: Signal, data: Any
) -> None:
    messages = data.draw(st.lists(REQUESTS[signal], min_size=1, max_size=4))
    cut = data.draw(st.integers(0, len(messages)))
    requests = [request(message) for message in messages]

    together = _normalized([requests])

    assert _comparable(_normalized([requests[:cut], requests[cut:]])) == _comparable(together)


@pytest.mark.parametrize("signal", Signal)
@MODERATE
@given(data=st.data())
def test_protobuf_and_json_become_the_same_events(signal: Signal, data: Any) -> None:
    message = data.draw(REQUESTS[signal])
    writing = Writing(wide_as_text=data.draw(st.booleans()), untold_as_null=True)
    in_json = Request(signal, Encoding.JSON, to_json(message, writing), TIME_NS, "otlp")

    rows = rows_of([request(message)])

    assert repr(_sorted(rows_of([in_json]))) == repr(_sorted(rows))


def _normalized(groups: list[list[Request]]) -> list[dict[str, Any]]:
    codec, placed, position = OtlpCodec(), [], 0
    for group in groups:
        _, decoded = codec.decode(group)
        places = range(position, position + len(group))
        placed.append(Placed(decoded, places, [TIME_NS] * len(group)))
        position += len(group)
    return [row for batch in codec.normalize(placed) for row in _tagged(batch)]


def _tagged(batch: Batch) -> list[dict[str, Any]]:
    return [row | {"table": batch.table.name} for row in batch.records.to_pylist()]


def _comparable(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(row) for row in rows)


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=repr)


def _events(placed: Placed) -> list[dict[str, Any]]:
    batches = OtlpCodec().normalize([placed])
    return [row for b in batches if b.table.name == "events" for row in b.records.to_pylist()]


def _numbers(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((row["position"], dict(row["attributes"])["number"]) for row in rows)
