"""Make OTLP requests of Claude Code ``api_request`` log records, each record unlike any other.

A request of a million records a second must not cost its sender more than its receiver. So one
record is written with the official protobuf classes, in fields of fixed width, and all others
are copies of its bytes with numpy columns laid over what differs.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

SESSIONS = 50
RECORDS_A_TURN = 5

_START_MS = 1_795_169_680_804
_LETTERS = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8
)
_HEX = _LETTERS[[*range(10), *range(36, 42)]]
_UUID = "8db91a8a-a48c-4966-8789-d2943ab229f5"
_NS_A_MS = 1_000_000

# From a request of Claude Code 2.1.197 (gRPC), resource attributes and all.
_RESOURCE = {
    "team": "platform",
    "department": "engineering",
    "host.arch": "amd64",
    "os.type": "linux",
    "os.version": "6.8.0-generic",
    "service.name": "claude-code",
    "service.version": "2.1.197",
}
_SCOPE = ("com.anthropic.claude_code.events", "2.1.197")
_ATTRIBUTES: dict[str, str | int | float] = {
    "user.id": "d36c5756686381cd8f0c9ac05a99866cc6cb30b7f0d6ba5329c9fd0b155ca9df",
    "session.id": _UUID,
    "terminal.type": "non-interactive",
    "event.name": "api_request",
    "event.timestamp": "2026-11-20T10:15:57.604Z",
    "event.sequence": 16_384,
    "prompt.id": _UUID,
    "model": "claude-opus-4-6",
    "input_tokens": 4,
    "output_tokens": 366,
    "cache_read_tokens": 18_010,
    "cache_creation_tokens": 420,
    "cost_usd": 0.11423250000000001,
    "cost_usd_micros": 114_233,
    "duration_ms": 309,
    "request_id": "req_01GEGuuxnX79ki7ZM4KNoHDs",
    "speed": "normal",
    "query_source": "sdk",
}
# How far each number may vary without its varint changing width.
_RANGES = {
    "input_tokens": (1, 127),
    "output_tokens": (128, 900),
    "cache_read_tokens": (16_384, 180_000),
    "cache_creation_tokens": (128, 16_000),
    "cost_usd_micros": (16_384, 900_000),
    "duration_ms": (128, 9_000),
}
_MOST_SEQUENCES = 2**21 - 2**14


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of ``records`` records each; the same seed gives the same bytes."""

    records: int
    seed: int = 0

    def body(self, number: int) -> bytes:
        """Write one request; no record of it occurs in a request of another number."""
        rng = np.random.default_rng([self.seed, number])
        rows = np.tile(np.frombuffer(_template().row, np.uint8), (self.records, 1))
        counts = np.arange(self.records) + number * self.records
        _lay_times(rows, _START_MS + counts)
        _lay_ids(rows, rng, np.random.default_rng([self.seed, 1 << 40, number % SESSIONS]))
        _lay_numbers(rows, rng, counts)
        return _envelope(rows.tobytes())

    def bodies(self, requests: int, first: int = 0) -> list[bytes]:
        """Write a run of requests."""
        return [self.body(first + number) for number in range(requests)]


def as_json(body: bytes) -> bytes:
    """Write a protobuf request as OTLP/JSON, whole numbers as Claude Code does."""
    message = ExportLogsServiceRequest.FromString(body)
    told: dict[str, Any] = MessageToDict(message)
    for record in told["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        for attribute in record["attributes"]:
            if "intValue" in attribute["value"]:
                attribute["value"]["intValue"] = int(attribute["value"]["intValue"])
    return json.dumps(told, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class _Template:
    """One record as a scope holds it (tag, length, record) and where its parts stand."""

    row: bytes

    def values(self, key: str) -> slice:
        """Find the value of an attribute: behind its key stand a tag, a length and its header."""
        mark = bytes([0x0A, len(key)]) + key.encode() + b"\x12"
        length_at = self.row.index(mark) + len(mark)
        end = length_at + 1 + self.row[length_at]
        header_bytes = 2 if isinstance(_ATTRIBUTES[key], str) else 1
        return slice(length_at + 1 + header_bytes, end)

    def find(self, part: bytes) -> slice:
        """Find bytes that occur once."""
        start = self.row.index(part)
        return slice(start, start + len(part))


@cache
def _template() -> _Template:
    now_ns = _START_MS * _NS_A_MS
    record = LogRecord(
        time_unix_nano=now_ns,
        observed_time_unix_nano=now_ns,
        body=AnyValue(string_value="claude_code.api_request"),
        attributes=_attributes(_ATTRIBUTES),
    )
    return _Template(ScopeLogs(log_records=[record]).SerializeToString())


def _attributes(told: dict[str, Any]) -> list[KeyValue]:
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    return [
        KeyValue(key=key, value=AnyValue(**{kinds[type(value)]: value}))
        for key, value in told.items()
    ]


def _envelope(records: bytes) -> bytes:
    """Put records in scope, resource and request: fields of one message may be concatenated."""
    scope = ScopeLogs()
    scope.scope.name, scope.scope.version = _SCOPE
    resource = ResourceLogs()
    resource.resource.attributes.extend(_attributes(dict(_RESOURCE)))
    scope_logs = _field(2, scope.SerializeToString() + records)
    return _field(1, resource.SerializeToString() + scope_logs)


def _field(number: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + content


def _lay_times(rows: Bytes, times_ms: Numbers) -> None:
    template = _template()
    times_ns = (times_ms * _NS_A_MS).astype("<u8").view(np.uint8).reshape(-1, 8)
    # time is field 1 and observed time field 11, both fixed64.
    for tag in (b"\x09", b"\x59"):
        at = template.find(tag + (_START_MS * _NS_A_MS).to_bytes(8, "little"))
        rows[:, at.start + 1 : at.stop] = times_ns
    text = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms").astype("S23")
    at = template.values("event.timestamp")
    rows[:, at.start : at.stop - 1] = text.view(np.uint8).reshape(-1, 23)


def _lay_ids(rows: Bytes, rng: np.random.Generator, session: np.random.Generator) -> None:
    template, records = _template(), len(rows)
    turns = -(-records // RECORDS_A_TURN)
    at = template.values("request_id")
    random = rng.integers(0, 62, (records, at.stop - at.start - 6), np.uint8)
    rows[:, at.start + 6 : at.stop] = _LETTERS[random]
    rows[:, template.values("session.id")] = _uuids(session, 1)
    prompts = np.repeat(_uuids(rng, turns), RECORDS_A_TURN, axis=0)
    rows[:, template.values("prompt.id")] = prompts[:records]


def _uuids(rng: np.random.Generator, count: int) -> Bytes:
    written = np.tile(np.frombuffer(_UUID.encode(), np.uint8), (count, 1))
    digits = np.array([letter != "-" for letter in _UUID])
    written[:, digits] = _HEX[rng.integers(0, 16, (count, 32), np.uint8)]
    return written


def _lay_numbers(rows: Bytes, rng: np.random.Generator, counts: Numbers) -> None:
    template = _template()
    for key, (low, high) in _RANGES.items():
        values = rng.integers(low, high, len(rows))
        _lay_varints(rows, template.values(key), values)
        if key == "cost_usd_micros":
            costs = (values / 1e6).astype("<f8").view(np.uint8).reshape(-1, 8)
            rows[:, template.values("cost_usd")] = costs
    # Where the attribute's own range ends the count begins anew: time tells the records apart.
    _lay_varints(rows, template.values("event.sequence"), 2**14 + counts % _MOST_SEQUENCES)
    rows[:, template.values("model").stop - 1] = _HEX[5 + rng.integers(0, 4, len(rows))]


def _lay_varints(rows: Bytes, at: slice, values: Numbers) -> None:
    last = at.stop - at.start - 1
    for byte in range(last + 1):
        more = 0x80 if byte < last else 0
        rows[:, at.start + byte] = values >> 7 * byte & 0x7F | more
