"""What holds for every transport: success, partial success, limits, and the fields of OTLP."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .. import partly, telemetry, verdicts
from ..model import Case, Check, Signal, Transport, Wanted
from ..writing import as_json, dumped, written
from .ways import BOTH, Way, case, ways

_PLACE = "<the large text>"
Make = Callable[[Signal, int], Any]


def basic_cases(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    """Yield what both transports have in common (sections c1 and c5)."""
    for way in ways(transport, wanted, BOTH):
        yield _whole(way)
        yield case(
            way.message("nothing: an empty request", lambda signal, _: telemetry.empty(signal)),
            Check(6, verdicts.taken),
            Check(5, verdicts.unset),
        )
        yield from _partial(way)
        yield from _fields(way)
    for way in ways(transport, wanted):
        yield case(
            way.message("empty envelopes", lambda signal, _: telemetry.envelopes(signal)),
            Check(11, verdicts.if_taken),
        )
        yield _much_to_say(way)
    if not wanted.quick:
        yield from _over_limit(transport, wanted)


def _whole(way: Way) -> Case:
    checks = [
        Check(1, verdicts.taken),
        Check(5, verdicts.unset),
        Check(47, verdicts.reads_as_unset),
    ]
    if way.http:
        checks += [
            Check(22, verdicts.not_statuses(404, 405)),
            Check(24, verdicts.taken),
            Check(26, verdicts.same_type),
            Check(28, verdicts.is_200),
        ]
    else:
        checks.append(Check(14, verdicts.not_codes({"UNIMPLEMENTED"})))
    return case(way.message("a whole request", telemetry.whole), *checks)


def _partial(way: Way) -> Iterator[Case]:
    checks = (
        Check(7, partly.exactly(2)),
        Check(7, partly.partly_ok),
        Check(8, partly.explained),
        Check(9, partly.warning),
    )
    if way.signal is Signal.TRACES:
        words = "a good span, one without trace id, one with span id 0"
        alone = Check(41, partly.rejects(2))
        yield case(way.message(words, telemetry.some_invalid), alone, *checks)
    elif way.signal is Signal.METRICS:
        words = "good data points and two with time 0"
        alone = Check(42, partly.rejects(2))
        yield case(way.message(words, telemetry.some_invalid), alone, *checks)


def _fields(way: Way) -> Iterator[Case]:
    taken: list[tuple[int, str, Make]] = [
        (13, "every kind of AnyValue as attributes", telemetry.every_kind),
        (44, "strindex fields outside of profiles", telemetry.with_strindex),
        (45, "all reserved flag bits set", telemetry.with_flags),
        (46, "attribute keys told twice", telemetry.with_keys_twice),
    ]
    if way.transport is not Transport.JSON:
        taken.append((13, "unknown fields at every level", telemetry.with_unknown_fields))
    for rule, words, make in taken:
        yield case(way.message(words, make), Check(rule, verdicts.taken), Check(9, partly.warning))
    if way.signal is Signal.LOGS:
        yield case(
            way.message("log records with ids of wrong length or 0", _lost_logs),
            Check(40, verdicts.taken),
        )
        yield case(
            way.message("log records with and without event_name", _named_logs),
            Check(13, verdicts.taken),
        )
    if way.signal is Signal.METRICS:
        yield case(
            way.message("a point with FLAG_NO_RECORDED_VALUE and no value", _no_value),
            Check(43, verdicts.taken),
        )
        yield case(
            way.message("temporality UNSPECIFIED", _unspecified), Check(43, verdicts.on_purpose)
        )


def _lost_logs(signal: Signal, at_ns: int) -> Any:
    request = telemetry.empty(signal)
    scope = telemetry.scopes(telemetry.resources(request).add()).add()
    for trace_id, span_id in (
        (b"", b""),
        (bytes(16), bytes(8)),
        (telemetry.TRACE_ID[:5], telemetry.SPAN_ID[:3]),
        (telemetry.TRACE_ID * 2, telemetry.SPAN_ID * 2),
        (telemetry.TRACE_ID, b""),
    ):
        record = telemetry.add_log(scope, at_ns)
        record.trace_id, record.span_id = trace_id, span_id
    return request


def _named_logs(signal: Signal, at_ns: int) -> Any:
    request = telemetry.whole(signal, at_ns)
    record = telemetry.add_log(telemetry.the_scope(request), at_ns)
    record.event_name = ""
    record.attributes.append(telemetry.text("event.name", "agentpond.conformance"))
    return request


def _no_value(signal: Signal, at_ns: int) -> Any:
    request = telemetry.whole(signal, at_ns)
    counter = telemetry.add_sum(telemetry.the_scope(request))
    counter.data_points.add(time_unix_nano=at_ns, flags=1)
    return request


def _unspecified(signal: Signal, at_ns: int) -> Any:
    request = telemetry.whole(signal, at_ns)
    counter = telemetry.add_sum(telemetry.the_scope(request))
    counter.aggregation_temporality = 0
    counter.data_points.add(time_unix_nano=at_ns, as_int=1)
    return request


def _much_to_say(way: Way) -> Case:
    """Send what an answer could say more than 4 MiB about."""
    words = "what could be answered with more than 4 MiB"
    return case(
        way.raw(words, partial(_much, way)), Check(4, verdicts.small), alone=True, patience=2
    )


def _much(way: Way) -> bytes:
    long = 5 * 1024**2
    if way.transport is Transport.JSON:
        told = as_json(telemetry.whole(way.signal, way.at_ns))
        # An enum name, which is refused (rule 35), and may be quoted.
        enum_owner(told)[ENUM_KEYS[way.signal]] = "X" * long
        return dumped(told)
    if way.signal is not Signal.TRACES:
        return b"\xff" * long
    request = telemetry.whole(way.signal, way.at_ns)
    scope = telemetry.the_scope(request)
    for _ in range(10_000):
        scope.spans.add(name="n" * 500)
    return written(request, way.transport)


ENUM_KEYS = {
    Signal.TRACES: "kind",
    Signal.METRICS: "aggregationTemporality",
    Signal.LOGS: "severityNumber",
}


def enum_owner(told: Any) -> Any:
    """Give the object of a JSON request that has an enum in it."""
    first = items(told)[0]
    return first.get("sum", first)


def items(told: Any) -> Any:
    """Give the list of spans, metrics or log records of a whole JSON request."""
    (envelopes,) = told.values()
    scopes = next(value for key, value in envelopes[0].items() if key.startswith("scope"))
    return next(scopes[0][key] for key in ("spans", "metrics", "logRecords") if key in scopes[0])


def _over_limit(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    checks = [Check(2, verdicts.refused), Check(3, verdicts.over_limit)]
    if transport is not Transport.GRPC:
        checks += [Check(29, verdicts.is_status)]
    for way in ways(transport, wanted, BOTH):
        words = f"a body of more than {wanted.max_request_bytes} bytes"
        make = partial(_large, way, wanted.max_request_bytes)
        yield case(way.raw(words, make), *checks, alone=True, patience=6)


def _large(way: Way, limit_bytes: int) -> bytes:
    """Write a request with one large attribute: nothing but its size is wrong with it."""
    request = telemetry.whole(way.signal, way.at_ns)
    attributes = telemetry.resources(request)[0].resource.attributes
    large = "a" * limit_bytes
    # protobuf's own way to JSON takes seconds over a text of this size.
    told = _PLACE if way.transport is Transport.JSON else large
    attributes.append(telemetry.text("conformance.large", told))
    return written(request, way.transport).replace(_PLACE.encode(), large.encode())
