"""Say what our decoder makes of OTLP/JSON that is unusual, and of what is none."""

from typing import Any

import pytest

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode

from .reference import JsonOf, flattened

LOGS, METRICS = Signal.LOGS, Signal.METRICS


def log(*fields: str) -> bytes:
    record = "{" + ",".join(fields) + "}"
    return ('{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + record + "]}]}]}").encode()


def attribute(value: str) -> bytes:
    return log('"attributes":[{"key":"k","value":' + value + "}]")


def point(metric: str) -> bytes:
    return ('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[' + metric + "]}]}]}").encode()


def read(body: bytes, signal: Signal = LOGS) -> list[dict[str, Any]]:
    return flattened(decode(signal, Encoding.JSON, [body]))


VALUES = {
    '{"intValue":"1.0e3"}': ("integer", 1000),
    '{"intValue":1e3}': ("integer", 1000),
    '{"intValue":9007199254740993}': ("integer", 9007199254740993),
    '{"intValue":"-9223372036854775808"}': ("integer", -(2**63)),
    '{"intValue":9223372036854775807}': ("integer", 2**63 - 1),
    '{"doubleValue":1}': ("double", "1.0"),
    '{"doubleValue":"1.5"}': ("double", "1.5"),
    '{"doubleValue":"NaN"}': ("double", "nan"),
    '{"doubleValue":"-Infinity"}': ("double", "-inf"),
    '{"bytesValue":"AAEC"}': ("json", JsonOf("AAEC")),
    '{"bytesValue":"-_8"}': ("json", JsonOf("+/8=")),
    '{"bytesValue":"-_8="}': ("json", JsonOf("+/8=")),
    '{"stringValue":"\\ud83d\\ude00"}': ("string", "😀"),
    '{"stringValue":"a\\u0000b"}': ("string", "a\0b"),
    '{"stringValue":null,"intValue":1}': ("integer", 1),
    '{"arrayValue":{"values":null}}': ("json", JsonOf([])),
    '{"kvlistValue":{}}': ("json", JsonOf({})),
    "{}": None,
    "null": None,
}
REFUSED = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "cut": log('"severityText":"INFO"')[:-3],
    "more than one value": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a null item": b'{"resourceLogs":[null]}',
    "NaN as a literal": attribute('{"doubleValue":NaN}'),
    "an enum's name": log('"severityNumber":"SEVERITY_NUMBER_INFO"'),
    "a fraction for a whole number": attribute('{"intValue":1.5}'),
    "a fraction for a whole number, as text": attribute('{"intValue":"1.5"}'),
    "words for a whole number": attribute('{"intValue":"ten"}'),
    "a number that is too large": attribute('{"intValue":"9223372036854775808"}'),
    "a number of a billion digits": attribute('{"intValue":"1e999999999"}'),
    "a whole number in hex": attribute('{"intValue":"0x10"}'),
    "a whole number with underscores": attribute('{"intValue":"1_000"}'),
    "a whole number in other digits": attribute('{"intValue":"\uff11"}'),
    "a double with underscores": attribute('{"doubleValue":"1_0"}'),
    "true for a double": attribute('{"doubleValue":true}'),
    "null in an array": attribute('{"arrayValue":{"values":[null]}}'),
    "a negative count of what was dropped": log('"droppedAttributesCount":-1'),
    "words for flags": log('"flags":"one"'),
    "a number for a schema's URL": b'{"resourceLogs":[{"schemaUrl":1}]}',
    "references that are no list": b'{"resourceLogs":[{"resource":{"entityRefs":1}}]}',
    "invalid UTF-8 under an unknown key": log('"x":"?"').replace(b"?", b"\xc0\x80"),
    "NaN for a whole number": attribute('{"intValue":"NaN"}'),
    "a negative time": log('"timeUnixNano":"-1"'),
    "text for a flag": attribute('{"boolValue":"true"}'),
    "broken base64": attribute('{"bytesValue":"A"}'),
    "two kinds of value": attribute('{"stringValue":"a","intValue":1}'),
    "half a surrogate pair": attribute('{"stringValue":"\\ud800"}'),
    "a raw control character": attribute('{"stringValue":"a\x01b"}'),
    "invalid UTF-8 in a value": attribute('{"stringValue":"?"}').replace(b"?", b"\xff"),
    "invalid UTF-8 in a key": log('"attributes":[{"key":"?"}]').replace(b"?", b"\xff"),
    "invalid UTF-8 in a body": log('"body":{"stringValue":"?"}').replace(b"?", b"\xff"),
    "invalid UTF-8 in a name": log('"eventName":"?"').replace(b"?", b"\xff"),
}
DEEP = {
    "unknown objects": b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    "values": attribute('{"arrayValue":{"values":[' * 10_000 + "]}}" * 10_000),
}


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read(value: str) -> None:
    records = read(attribute(value))

    assert records[0]["attributes"] == {"k": VALUES[value]}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_otlp_json_is_refused(name: str) -> None:
    with pytest.raises(Permanent) as refusal:
        read(REFUSED[name])

    assert refusal.value.reason == "invalid_json"


@pytest.mark.parametrize("name", DEEP)
def test_json_nested_ten_thousand_deep_is_refused(name: str) -> None:
    with pytest.raises(Permanent) as refusal:
        read(DEEP[name])

    assert refusal.value.reason == "nested_too_deep"


def test_an_empty_object_is_an_empty_request() -> None:
    records = read(b"{}")

    assert records == []


def test_null_stands_for_a_default() -> None:
    records = read(log('"timeUnixNano":null', '"severityText":null', '"attributes":null'))

    assert records == read(log())


def test_ids_may_be_written_in_upper_case() -> None:
    (record,) = read(log('"traceId":"ABCDEF0123456789ABCDEF0123456789"'))

    assert record["trace_id"] == "abcdef0123456789abcdef0123456789"


def test_unknown_and_snake_case_keys_are_ignored() -> None:
    records = read(log('"severity_text":"x"', '"unknown":[{"deep":null}]'))

    assert records == read(log())


def test_of_a_metric_that_tells_two_kinds_of_data_nothing_is_guessed() -> None:
    with pytest.raises(Permanent, match="two kinds"):
        read(point('{"gauge":{},"sum":{}}'), METRICS)


def test_counts_and_bounds_may_be_numbers_or_text() -> None:
    body = point('{"histogram":{"dataPoints":[{"bucketCounts":["1",2],"explicitBounds":[1]}]}}')

    (record,) = read(body, METRICS)

    assert (record["bucket_counts"], record["bounds"]) == ([1, 2], ["1.0"])


UNREAD = {
    "a description": '"description":1',
    "metadata": '"metadata":[{"key":"k","value":{"intValue":"x"}}]',
    "metadata of two kinds": '"metadata":[{"key":"k","value":{"intValue":1,"stringValue":"a"}}]',
    "an exemplar": '"gauge":{"dataPoints":[{"exemplars":[{"asInt":"x"}]}]}',
    "an exemplar of two kinds": '"gauge":{"dataPoints":[{"exemplars":[{"asInt":1,"asDouble":1}]}]}',
    "a null exemplar": '"gauge":{"dataPoints":[{"exemplars":[null]}]}',
    "a null count": '"histogram":{"dataPoints":[{"bucketCounts":[null]}]}',
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_reads_must_be_right_all_the_same(name: str) -> None:
    with pytest.raises(Permanent) as refusal:
        read(point("{" + UNREAD[name] + "}"), METRICS)

    assert refusal.value.reason == "invalid_json"


def test_numbers_of_32_bits_may_be_text() -> None:
    body = point(
        '{"exponentialHistogram":{"dataPoints":[{"scale":"-3","positive":{"offset":"1"}}]}}'
    )

    (record,) = read(body, METRICS)

    assert '"scale":-3' in record["detail"]
    assert '"offset":1' in record["detail"]
