"""Turn an OTLP/JSON body into one with one token, key or level that should not be there."""

import json
import random
from collections.abc import Sequence
from typing import Any

from .damage import damaged

# json.dumps cannot write what is no JSON: this stands for it until the text is there.
_MARK = "\N{OBJECT REPLACEMENT CHARACTER}"
_TOKENS = (
    *("null", "true", "false", "0", "-0", "-0.0", "1", "-1", "1.0", "1.5", "1e3", "1E+2", "10e-1"),
    *("2147483647", "2147483648", "-2147483649", "4294967295", "4294967296"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615"),
    *("18446744073709551616", "1e18", "1e19", "1e20", "1e308", "1e309", "1e999", "-1e999"),
    *("1e-999", "5e-324", "1" * 30, "1" * 400, "0." + "1" * 400, "1e999999999", "123456789.0"),
    *("NaN", "Infinity", "-Infinity", "nul", "01", "+1", ".5", "1.", "0x10", "1_000", "--1"),
    *('""', '"a"', '"NaN"', '"nan"', '"Infinity"', '"-Infinity"', '"inf"', '"1"', '"-1"', '"1.0"'),
    *('"1.5"', '"1e3"', '"1e999"', '"1e999999999"', '"0x10"', '" 1"', '"1 "', '"+1"', '"01"'),
    *('"1_000"', '"\\uff11"', '"-0"', '"18446744073709551615"', '"18446744073709551616"'),
    *(
        '"9223372036854775808"',
        '"-9223372036854775808"',
        '"true"',
        '"null"',
        '"1,000"',
        '"1\\u0000"',
    ),
    *('"AAEC"', '"AAE="', '"AAE"', '"-_-_"', '"+/+/"', '"A"', '"AA=="', '"A A="', '"AAEC\\n"'),
    *('"0123456789abcdef"', '"0123456789ABCDEF0123456789abcdef"', '"0123456789abcdeg"', '"012"'),
    *('"00000000000000000000000000000000"', '"01 23 45 67 89 ab cd ef"'),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"\\u12"', '"\t"'),
    *("{}", "[]", "[null]", "[{}]", "[[]]", '{"":1}', "[1,]", "{,}", '{"a":1,}', '{"a"}', "{1:2}"),
    *('{"values":[]}', '{"values":null}', '{"values":[null]}', '{"values":[{}]}', '{"values":{}}'),
    *(
        '{"stringValue":"a","intValue":1}',
        '{"arrayValue":{"values":[null,{}]}}',
        '{"intValue":"5"}',
    ),
    *('{"stringValue":null,"boolValue":true}', '{"bytesValue":"-_8"}', '{"doubleValue":"NaN"}'),
    *('{"kvlistValue":{"values":[{"key":"a"},{"key":"a","value":{}}]}}', '{"intValue":1.0}'),
    *("/* */ 1", "'a'", "1 2", ""),
)
_RAW_BYTES = (b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xe2\x82"', b"\xff", b"\xef\xbb\xbf1")
_KEYS = (
    *("resourceLogs", "scopeLogs", "logRecords", "resource", "scope", "attributes", "key", "value"),
    *("stringValue", "intValue", "boolValue", "doubleValue", "bytesValue", "arrayValue", "values"),
    *("kvlistValue", "timeUnixNano", "traceId", "spanId", "parentSpanId", "flags", "body", "name"),
    *("severityNumber", "severityText", "droppedAttributesCount", "schemaUrl", "links", "events"),
    *("kind", "status", "code", "gauge", "sum", "histogram", "summary", "exponentialHistogram"),
    *("dataPoints", "asInt", "asDouble", "exemplars", "bucketCounts", "explicitBounds", "scale"),
    *("count", "min", "max", "positive", "negative", "offset", "zeroCount", "quantileValues"),
    *("description", "metadata", "isMonotonic", "aggregationTemporality", "unit", "version"),
    *(
        "time_unix_nano",
        "unknown",
        "",
        "\ud800",
        "stringValueStrindex",
        "keyStrindex",
        "entityRefs",
    ),
)
_DEPTHS = (1, 2, 30, 47, 48, 49, 99, 100, 101, 500, 3000)


def broken(body: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Damage a body in one to three of its values or keys."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return damaged(body, others, dice)
    tokens: list[bytes] = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        told = _changed(told, tokens, dice)
    text = json.dumps(told, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    for ascii_mark in (json.dumps(_MARK).encode(), f'"{_MARK}"'.encode()):
        while tokens and ascii_mark in text:
            text = text.replace(ascii_mark, tokens.pop(), 1)
    return text


def _changed(told: Any, tokens: list[bytes], dice: random.Random) -> Any:
    """Change something below a value; the way down is the dice's."""
    if isinstance(told, dict) and told and dice.random() < 0.9:
        key = dice.choice(list(told))
        if dice.random() < 0.15:
            return _rekeyed(told, key, tokens, dice)
        return {**told, key: _changed(told[key], tokens, dice)}
    if isinstance(told, list) and told and dice.random() < 0.9:
        at = dice.randrange(len(told))
        if dice.random() < 0.1:
            return _relisted(told, at, dice)
        return [*told[:at], _changed(told[at], tokens, dice), *told[at + 1 :]]
    return _other_value(told, tokens, dice)


def _rekeyed(told: dict[str, Any], key: str, tokens: list[bytes], dice: random.Random) -> Any:
    rest = {name: value for name, value in told.items() if name != key}
    choice = dice.randrange(4)
    if choice == 0:
        return rest
    if choice == 1:
        return {**rest, dice.choice(_KEYS): told[key]}
    if choice == 2:
        return {**told, dice.choice(_KEYS): _other_value(told[key], tokens, dice)}
    tokens.append(_twice(told, key))
    return _MARK


def _twice(told: dict[str, Any], key: str) -> bytes:
    """Write an object that has one key twice."""
    members = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in told.items()]
    return ("{" + ",".join([*members, f"{json.dumps(key)}:{json.dumps(told[key])}"]) + "}").encode()


def _relisted(told: list[Any], at: int, dice: random.Random) -> Any:
    choice = dice.randrange(3)
    if choice == 0:
        return told[:at] + told[at + 1 :]
    return told[:at] + [told[at]] * dice.choice((2, 5)) + told[at:] if choice == 1 else told[at]


def _other_value(told: Any, tokens: list[bytes], dice: random.Random) -> Any:
    if _MARK in json.dumps(told, ensure_ascii=False):
        return told
    if dice.random() < 0.12:
        tokens.append(_deep(dice))
    elif dice.random() < 0.1:
        tokens.append(dice.choice(_RAW_BYTES))
    else:
        tokens.append(dice.choice(_TOKENS).encode())
    return _MARK


def _deep(dice: random.Random) -> bytes:
    opening, closing = dice.choice(
        (
            (b"[", b"]"),
            (b'{"x":', b"}"),
            (b'{"arrayValue":{"values":[', b"]}}"),
            (b'{"kvlistValue":{"values":[{"key":"k","value":', b"}]}}"),
        )
    )
    depth = dice.choice(_DEPTHS)
    return opening * depth + b'{"stringValue":"x"}' + closing * depth
