"""Lift attributes into columns: odd values harm nothing, and what no column took is kept."""

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Signal
from agentpond.receiver.dialects import DIALECTS
from agentpond.receiver.dialects.rules import Dialect

from .build import CLAUDE_CODE, CODEX, NOBODY, gauge, log, logs, pairs, rows, span, spans

# What senders may put where a number, a flag, a time or a text is looked for.
ODD: tuple[Any, ...] = (
    *("", "x", "+7", "-", "9223372036854775808", "1e999", "NaN", "\0", '"', "{}", "<REDACTED>"),
    *("2026-02-30T10:00:00Z", "Process exited with code 999999999999", "é€😀", "a" * 300),
    *(0, -1, 2**31, 2**63 - 1, -(2**63), True, False, None),
    *(0.0, -0.0, 1.5, 1e300, float("nan"), float("inf"), -float("inf"), 5e-324),
    *([], ["a"], [[None]], [1.5, "x"]),
)
ODD_ATTRIBUTES = st.dictionaries(st.text(max_size=4), st.sampled_from(ODD), max_size=6)
SCOPES = {0: CLAUDE_CODE, 1: CODEX, 2: NOBODY}


def _names(dialect: Dialect, signal: Signal) -> list[str]:
    named = {name for rule in dialect.lifts[signal] for name in rule.on}
    return sorted(named | set(dialect.types[signal])) or ["some.name"]


def _message(dialect: Dialect, signal: Signal, name: str, odd: Any) -> Message:
    keys = sorted({key for rule in dialect.lifts[signal] for key in rule.keys})
    told = dict.fromkeys([*keys, "event.timestamp", "session.id", "service.name"], odd)
    full = dialect.prefix + name
    scope = SCOPES[DIALECTS.index(dialect)]
    if signal is Signal.TRACES:
        return spans([span(told, name=full)], scope, told)
    if signal is Signal.METRICS:
        return gauge(full, told, 1.0)
    return logs([log(told | {"event.name": name if dialect.short_names else full})], scope, told)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.agent or "genai")
def test_no_value_of_any_attribute_we_look_at_keeps_a_record_from_becoming_an_event(
    dialect: Dialect, signal: Signal
) -> None:
    names = _names(dialect, signal)
    by_value = [[_message(dialect, signal, name, odd) for name in names] for odd in ODD]

    told = [len(rows(*messages)) for messages in by_value]

    assert told == [len(names)] * len(ODD)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.agent or "genai")
def test_odd_values_together_give_the_rows_they_give_alone(
    dialect: Dialect, signal: Signal
) -> None:
    name = _names(dialect, signal)[0]
    messages = [_message(dialect, signal, name, odd) for odd in ODD]

    together = rows(*messages)

    alone = [rows(message)[0] for message in messages]
    assert [_without_position(row) for row in together] == [_without_position(r) for r in alone]


@settings(deadline=None)
@given(told=ODD_ATTRIBUTES)
def test_of_an_unknown_sender_every_attribute_is_kept(told: Mapping[str, Any]) -> None:
    unknown = {f"odd.{key}": value for key, value in told.items()}

    (row,) = rows(logs([log(unknown)], scope="somebody"))

    assert row["attributes"].keys() == unknown.keys()


def test_attributes_are_kept_as_text_and_what_is_no_text_as_json() -> None:
    told = {"s": "text", "i": 7, "d": 0.5, "b": True, "l": ["a", None, 1.5], "n": None}

    (row,) = rows(logs([log(told)], scope="somebody"))

    assert row["attributes"] == {
        "s": "text",
        "i": "7",
        "d": "0.5",
        "b": "true",
        "l": '["a",null,1.5]',
        "n": None,
    }


def test_of_a_key_told_twice_the_last_value_stands() -> None:
    twice = log({})
    twice.attributes.extend([*pairs({"k": 1, "other": 2}), *pairs({"k": "last"})])

    (row,) = rows(logs([twice], scope="somebody"))

    assert row["attributes"] == {"k": "last", "other": "2"}


def test_of_a_lifted_key_told_twice_the_last_value_stands() -> None:
    twice = log({"event.name": "api_request"})
    twice.attributes.extend([*pairs({"model": "first"}), *pairs({"model": "last"})])

    (row,) = rows(logs([twice], scope=CLAUDE_CODE))

    assert (row["model"], row["attributes"]) == ("last", {})


def test_an_attribute_that_says_otherwise_than_its_column_is_kept() -> None:
    told = {"event.name": "api_request", "model": "a", "gen_ai.request.model": "b"}

    (row,) = rows(logs([log(told)], scope=CLAUDE_CODE))

    assert (row["model"], row["attributes"]) == ("a", {"gen_ai.request.model": "b"})


def test_a_scope_s_attributes_are_each_record_s_too() -> None:
    message: Any = logs([log({"k": "v"}), log({})], scope="somebody")
    message.resource_logs[0].scope_logs[0].scope.attributes.extend(pairs({"k": 7}))

    told = [row["attributes"] for row in rows(message)]

    assert told == [{"k": "v", "otel.scope.k": "7"}, {"otel.scope.k": "7"}]


def test_a_record_wins_over_its_resource() -> None:
    (row,) = rows(logs([log({"session.id": "mine"})], resource={"session.id": "theirs"}))

    assert row["session_id"] == "mine"


def _without_position(row: Mapping[str, Any]) -> str:
    return repr({name: value for name, value in row.items() if name != "position"})
