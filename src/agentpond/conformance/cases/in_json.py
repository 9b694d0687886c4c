"""What is OTLP/JSON's own (section c4)."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .. import partly, telemetry, verdicts
from ..model import Case, Check, Level, Signal, Transport, Wanted
from ..writing import ID_KEYS, as_json, changed, dumped, objects
from .basics import ENUM_KEYS, enum_owner, items
from .ways import BOTH, Way, case, ways

Change = Callable[[Any], Any]

# The fields of 64 bits: ProtoJSON writes them as text, and takes numbers too.
WHOLE_KEYS = frozenset(
    {
        "timeUnixNano",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "observedTimeUnixNano",
        "intValue",
        "asInt",
        "count",
        "zeroCount",
        "bucketCounts",
    }
)
# Without these an item stays valid, so that nothing but a warning can tell of the loss.
_SOME_KEYS = frozenset(
    {"schemaUrl", "endTimeUnixNano", "startTimeUnixNano", "severityText", "observedTimeUnixNano"}
)
NULLS = {
    Signal.TRACES: ("parentSpanId", "traceState", "attributes", "events", "links", "status"),
    Signal.METRICS: ("attributes", "exemplars", "startTimeUnixNano", "isMonotonic", "flags"),
    Signal.LOGS: ("body", "attributes", "traceId", "spanId", "eventName", "observedTimeUnixNano"),
}
_ENUM_NAMES = {
    Signal.TRACES: "SPAN_KIND_CLIENT",
    Signal.METRICS: "AGGREGATION_TEMPORALITY_CUMULATIVE",
    Signal.LOGS: "SEVERITY_NUMBER_INFO",
}


def json_cases(wanted: Wanted) -> Iterator[Case]:
    """Yield what only OTLP/JSON can show."""
    for way in ways(Transport.JSON, wanted, BOTH):
        yield from _ids(way)
        yield from _enums(way)
        yield from _keys(way)
        yield from _numbers(way)
        yield from _leniencies(way)


def _told(way: Way, change: Change) -> bytes:
    return dumped(change(as_json(telemetry.whole(way.signal, way.at_ns))))


def _ids(way: Way) -> Iterator[Case]:
    taken = Check(34, verdicts.taken)
    if way.signal is not Signal.METRICS:
        cases = {"hex ids in upper case": str.upper, "hex ids in mixed case": _mixed}
        for words, change in cases.items():
            shot = way.raw(words, partial(_told, way, partial(_changed_ids, change)))
            yield case(shot, taken)
    if way.signal is Signal.TRACES:
        shot = way.raw("ids in base64", partial(_told, way, partial(_changed_ids, _base64)))
        yield case(shot, Check(34, verdicts.refused_or_rejected))
        odd = way.raw("ids that are no hex", partial(_told, way, partial(_changed_ids, _no_hex)))
        yield case(odd, Check(34, verdicts.refused_or_rejected))
    shot = way.raw("bytesValue in base64", partial(_told, way, _add_bytes))
    yield case(shot, taken)


def _changed_ids(change: Callable[[str], str], told: Any) -> Any:
    return changed(told, ID_KEYS, change)


def _mixed(text: str) -> str:
    return "".join(letter.upper() if at % 2 else letter.lower() for at, letter in enumerate(text))


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def _no_hex(text: str) -> str:
    return f"xy{text[2:]}"


def _add_bytes(told: Any) -> Any:
    _resource(told)["attributes"].append({"key": "bytes", "value": {"bytesValue": "AP+A/w=="}})
    return told


def _enums(way: Way) -> Iterator[Case]:
    """Names are refused; as what: the whole body, or the item with them."""
    name = _ENUM_NAMES[way.signal]
    words = f"an enum as its name, {name}"
    shot = way.raw(words, partial(_told, way, partial(_put_enum, way.signal, name)))
    yield case(shot, Check(35, verdicts.refused_or_rejected))
    tomorrow = way.raw(
        "an enum number of tomorrow", partial(_told, way, partial(_put_enum, way.signal, 77))
    )
    yield case(tomorrow, Check(35, verdicts.on_purpose))


def _put_enum(signal: Signal, value: object, told: Any) -> Any:
    enum_owner(told)[ENUM_KEYS[signal]] = value
    return told


def _keys(way: Way) -> Iterator[Case]:
    yield case(
        way.raw("unknown fields in every object", partial(_told, way, _add_unknown)),
        Check(36, verdicts.taken),
        Check(13, verdicts.taken),
    )
    for words, change in (
        ("every key in snake_case", _snake),
        ("some keys in snake_case", partial(_snake, keys=_SOME_KEYS)),
    ):
        yield case(
            way.raw(words, partial(_told, way, change)),
            Check(37, verdicts.on_purpose),
            Check(37, verdicts.warned, Level.PRACTICE),
            Check(9, partly.warning),
        )


def _add_unknown(told: Any) -> Any:
    for owner in list(objects(told)):
        owner["aFieldOfTomorrow"] = {"deep": [1, "x", None, {"y": 2.5}], "flag": True}
    return told


def _snake(told: Any, keys: frozenset[str] | None = None) -> Any:
    """Write keys as the .proto files have them: all of them, or some."""
    for owner in list(objects(told)):
        for key in list(owner):
            if keys is None or key in keys:
                owner[re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key)] = owner.pop(key)
    return told


def _numbers(way: Way) -> Iterator[Case]:
    taken = Check(38, verdicts.taken)
    cases: dict[str, Change] = {
        "64-bit integers as text": _whole_attributes,
        "64-bit integers as numbers": lambda told: changed(
            _whole_attributes(told), WHOLE_KEYS, int
        ),
    }
    for words, change in cases.items():
        yield case(way.raw(words, partial(_told, way, change)), taken)


def _whole_attributes(told: Any) -> Any:
    for number in ("0", "-1", str(telemetry.MOST), str(-telemetry.MOST - 1)):
        pair = {"key": f"int {number}", "value": {"intValue": number}}
        _resource(told)["attributes"].append(pair)
    return told


def _leniencies(way: Way) -> Iterator[Case]:
    taken = Check(39, verdicts.taken)
    cases: dict[str, Change] = {
        "null for fields": partial(_add_nulls, way.signal),
        "NaN, Infinity and -Infinity as text": _add_doubles,
        "a double as text, and without a fraction": _add_plain_doubles,
        "empty ids where none is needed": partial(_add_empty_ids, way.signal),
    }
    for words, change in cases.items():
        yield case(way.raw(words, partial(_told, way, change)), taken)
    yield case(way.raw("1.0e3 for a whole number", partial(_exponent, way)), taken)
    yield case(way.raw("{}", lambda: b"{}"), taken)
    spaced = way.raw("{} with white space around", lambda: b" {\r\n\t} \n")
    yield case(spaced, taken)


def _add_nulls(signal: Signal, told: Any) -> Any:
    (envelopes,) = told.values()
    envelopes[0]["schemaUrl"] = None
    item = items(told)[0]
    points = item.get("sum", {}).get("dataPoints", [item])
    for owner in points:
        owner.update(dict.fromkeys(NULLS[signal]))
    return told


def _add_doubles(told: Any) -> Any:
    for text in ("NaN", "Infinity", "-Infinity"):
        pair = {"key": text, "value": {"doubleValue": text}}
        _resource(told)["attributes"].append(pair)
    for item in items(told):
        for point in item.get("gauge", {}).get("dataPoints", ()):
            point["asDouble"] = "NaN"
    return told


def _add_plain_doubles(told: Any) -> Any:
    for value in ("1.5", 3):
        pair = {"key": str(value), "value": {"doubleValue": value}}
        _resource(told)["attributes"].append(pair)
    return told


def _add_empty_ids(signal: Signal, told: Any) -> Any:
    item = items(told)[0]
    if signal is Signal.TRACES:
        item["parentSpanId"] = ""
    elif signal is Signal.LOGS:
        item["traceId"] = item["spanId"] = ""
    return told


def _exponent(way: Way) -> bytes:
    told = as_json(telemetry.whole(way.signal, way.at_ns))
    pair = {"key": "exponent", "value": {"intValue": "in place of a number"}}
    _resource(told)["attributes"].append(pair)
    return json.dumps(told).replace('"in place of a number"', "1.0e3").encode()


def _resource(told: Any) -> Any:
    (envelopes,) = told.values()
    return envelopes[0]["resource"]
