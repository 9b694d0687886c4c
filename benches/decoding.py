"""Measure bytes to event rows in one process: decode, normalise, and both, protobuf and JSON."""

import json
from collections.abc import Sequence

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.normalize import Arrival, Normalized, normalize
from agentpond.receiver.wire.decode import decode

from .measure import Case, report, take_turns
from .payloads import Load, as_json

_RECORDS = 1000
_RECEIVED_AT_US = 1_795_169_680_804_000
_UPB_SHARE = 0.25
_JSON_SHARE = 0.3


def events_of(bodies: Sequence[bytes], encoding: Encoding = Encoding.PROTOBUF) -> Normalized:
    """Take bodies all the way to rows."""
    return normalize(decode(Signal.LOGS, encoding, bodies), arrival(len(bodies)))


def arrival(requests: int) -> Arrival:
    """Say that requests came one after the other, at one time."""
    return Arrival(np.arange(requests), np.full(requests, _RECEIVED_AT_US))


def bench_protobuf() -> None:
    """Decode and normalise protobuf, against upb's ``FromString`` alone."""
    for requests in (1, 4, 16):
        timed = take_turns(_protobuf_cases(Load(_RECORDS).bodies(requests)))
        report(f"protobuf, {requests} requests of {_RECORDS:,} a call", timed)


def _protobuf_cases(bodies: Sequence[bytes]) -> list[Case]:
    decoded = decode(Signal.LOGS, Encoding.PROTOBUF, bodies)
    at, size = arrival(len(bodies)), (len(bodies) * _RECORDS, sum(map(len, bodies)))
    # Asked for is the rate with many requests a call; the other tables show what is fixed.
    target = _UPB_SHARE if len(bodies) > 1 else None
    return [
        Case("upb FromString, dropped at once", *size, lambda _: _parse_and_drop(bodies)),
        # As ours: what one call gives is there as a whole.
        Case("upb FromString, kept", *size, lambda _: _parse(bodies)),
        Case("decode", *size, lambda _: decode(Signal.LOGS, Encoding.PROTOBUF, bodies)),
        Case("normalise", *size, lambda _: normalize(decoded, at)),
        Case("decode + normalise", *size, lambda _: events_of(bodies), target),
    ]


def bench_json() -> None:
    """Decode OTLP/JSON, against ``json.loads`` and against our protobuf way."""
    requests = 4
    bodies = Load(_RECORDS).bodies(requests)
    texts = [as_json(body) for body in bodies]
    records, nbytes = requests * _RECORDS, sum(map(len, texts))
    cases = [
        Case("json.loads", records, nbytes, lambda _: [json.loads(text) for text in texts]),
        Case("decode", records, nbytes, lambda _: decode(Signal.LOGS, Encoding.JSON, texts)),
    ]
    report(f"JSON, {requests} requests of {_RECORDS:,} a call", take_turns(cases, 5))
    cases = [
        Case("protobuf way", records, sum(map(len, bodies)), lambda _: events_of(bodies)),
        Case("JSON way", records, nbytes, lambda _: events_of(texts, Encoding.JSON), _JSON_SHARE),
    ]
    report("decode + normalise, by encoding", take_turns(cases, 7))


def _parse_and_drop(bodies: Sequence[bytes]) -> None:
    for body in bodies:
        ExportLogsServiceRequest.FromString(body)


def _parse(bodies: Sequence[bytes]) -> list[ExportLogsServiceRequest]:
    return [ExportLogsServiceRequest.FromString(body) for body in bodies]
