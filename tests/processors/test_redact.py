"""Check what redact masks, what it drops, and what it leaves in place of it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.schema import RESOURCES, SPAN_EVENTS
from agentpond.pipeline.processors.redact import Config, Redact, factory
from agentpond.pipeline.testing import batch, check_processor, events, settings

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEY = b"a key for tests"


def redacted(given_batch: Batch, **options: Any) -> Batch:
    (out,) = Redact(Config(**options), KEY).process(given_batch)
    assert isinstance(out, Batch)
    return out


def column(told: Batch, name: str) -> list[Any]:
    return list(told.records.column(name).to_pylist())


def attributes(told: Batch) -> list[dict[str, str]]:
    return [dict(each or ()) for each in column(told, "attributes")]


@pytest.mark.parametrize(
    "name", ["content", "tool_input", "error_message", "repository", "cwd", "event_name"]
)
def test_secrets_are_masked_in_text_columns(name: str) -> None:
    rows = events(3, **{name: ["git://x:hunter2@y", "nothing", None]})

    out = redacted(rows)

    assert column(out, name) == ["git://x:[REDACTED:url-password]@y", "nothing", None]


def test_secrets_are_masked_in_attributes_by_value_and_by_key() -> None:
    rows = events(attributes={"a": "AKIAIOSFODNN7EXAMPLE", "db.password": "x", "c": "d"})

    out = redacted(rows)

    assert attributes(out) == [
        {"a": "[REDACTED:aws-access-key]", "db.password": "[REDACTED:secret]", "c": "d"}
    ]


@pytest.mark.parametrize("table", [RESOURCES, SPAN_EVENTS])
def test_secrets_are_masked_in_the_attributes_of_other_tables(table: Any) -> None:
    rows = batch(table, 1, attributes={"a": "password=x"})

    out = redacted(rows)

    assert attributes(out) == [{"a": "password=[REDACTED:password]"}]


def test_rows_without_secrets_stay_the_very_arrays_they_were() -> None:
    rows = events(2, content="hello", attributes={"a": "b"})

    out = redacted(rows)

    assert out.records is rows.records


def test_ids_are_not_scanned() -> None:
    rows = events(session_id="password=x", request_id="sk-ant-0123456789")

    out = redacted(rows)

    assert column(out, "session_id") == ["password=x"]


def test_patterns_of_the_user_are_masked_under_their_name() -> None:
    rows = events(content="ticket ACME-1234", attributes={"a": "ACME-9"})

    out = redacted(rows, patterns=({"name": "ticket", "pattern": r"ACME-\d+"},))

    assert (column(out, "content"), attributes(out)) == (
        ["ticket [REDACTED:ticket]"],
        [{"a": "[REDACTED:ticket]"}],
    )


def test_masking_notes_the_length_the_content_had_if_the_agent_did_not() -> None:
    rows = events(3, content=["password=é", "password=x", "plain"], content_length=[None, 99, None])

    out = redacted(rows)

    assert column(out, "content_length") == [10, 99, None]


def test_dropped_content_leaves_its_length_and_hash() -> None:
    rows = events(3, content=["abc", "abc", None], content_length=[None, 4, None])

    out = redacted(rows, content="drop")

    first, second, third = attributes(out)
    assert column(out, "content") == [None, None, None]
    assert column(out, "content_length") == [3, 4, None]
    assert first == second
    assert list(first) == ["content.hash"]
    assert third == {}


def test_the_hash_depends_on_the_key() -> None:
    rows = events(content="abc")

    one, other = (
        next(iter(Redact(Config(content="drop"), key).process(rows))) for key in (b"1", b"2")
    )

    assert isinstance(one, Batch)
    assert isinstance(other, Batch)
    assert attributes(one) != attributes(other)


def test_a_configured_key_gives_the_same_hash_after_a_restart() -> None:
    rows = events(content="abc")
    config = Config(content="drop", key=SecretStr("from the environment"))

    one, other = (next(iter(factory.build(config, settings()).process(rows))) for _ in range(2))

    assert attributes(one) == attributes(other)


def test_without_a_key_every_start_has_its_own() -> None:
    rows = events(content="abc")
    config = Config(content="drop")

    one, other = (next(iter(factory.build(config, settings()).process(rows))) for _ in range(2))

    assert attributes(one) != attributes(other)


def test_a_key_longer_than_the_hash_takes_is_used_all_the_same() -> None:
    rows = events(content="abc")

    (out,) = Redact(Config(content="drop"), b"k" * 100).process(rows)

    assert isinstance(out, Batch)
    assert len(attributes(out)[0]["content.hash"]) == 32


def test_dropping_takes_content_attributes_and_long_unknown_ones() -> None:
    rows = events(attributes={"prompt": "hi", "odd": "x" * 65, "short": "y", "code": "z" * 70})

    out = redacted(rows, content="drop", allow_attributes=("code",))

    (told,) = attributes(out)
    assert sorted(told) == [
        *("code", "odd.hash", "odd.length", "prompt.hash", "prompt.length", "short")
    ]
    assert (told["odd.length"], told["prompt.length"]) == ("65", "2")


def test_a_length_of_none_leaves_only_what_is_allowed() -> None:
    rows = events(attributes={"a": "1", "b.c": "2"})

    out = redacted(rows, content="drop", max_length=0, allow_attributes=("b.*",))

    assert sorted(attributes(out)[0]) == ["a.hash", "a.length", "b.c"]


def test_a_long_text_does_not_pass_for_a_hash() -> None:
    rows = events(attributes={"prompt.hash": "x" * 65, "other.length": "y" * 65})

    out = redacted(rows, content="drop")

    assert sorted(attributes(out)[0]) == [
        *("other.length.hash", "other.length.length", "prompt.hash.hash", "prompt.hash.length")
    ]


def test_attributes_dropped_at_once_have_no_say_in_each_other() -> None:
    long = "x" * 65
    told = [{"b": long, "a": "kept", "b.hash": "old"}, None, {"a": long, "b": long, "c": "kept"}]
    rows = events(3, attributes=told)
    alone = [events(attributes=each) for each in told]

    out = attributes(redacted(rows, content="drop"))

    assert out == [attributes(redacted(each, content="drop"))[0] for each in alone]
    assert [list(each) for each in out] == [
        ["a", "b.hash", "b.length"],
        [],
        ["c", "a.hash", "a.length", "b.hash", "b.length"],
    ]
    assert len(out[0]["b.hash"]) == 32


def test_four_thousand_unknown_keys_are_dropped_each_with_its_hash_and_length() -> None:
    rows = events(attributes={f"k{number}": "x" * 65 for number in range(4000)})

    out = redacted(rows, content="drop")

    assert len(attributes(out)[0]) == 8000


def test_secrets_are_masked_in_the_names_of_span_events() -> None:
    rows = batch(SPAN_EVENTS, 2, name=["login with password=x", None])

    out = redacted(rows)

    assert column(out, "name") == ["login with password=[REDACTED:password]", None]


def test_dropping_twice_is_dropping_once() -> None:
    rows = events(2, content=["a", None], tool_input="b" * 99, attributes={"prompt": "x" * 99})

    once = redacted(rows, content="drop", max_length=0)

    assert redacted(once, content="drop", max_length=0).records.equals(once.records)


@PATIENT
@given(st.lists(st.none() | st.text("ab \né", max_size=80), min_size=1, max_size=5))
def test_no_dropped_text_is_left_anywhere(texts: list[str | None]) -> None:
    marked = [None if text is None else f"§{text}§" for text in texts]
    rows = events(len(marked), content=marked, tool_input=marked, error_message=marked)

    out = redacted(rows, content="drop")

    assert "§" not in str(out.records.to_pylist())


def test_event_ids_stay() -> None:
    rows = events(2, content="password=x")

    out = redacted(rows, content="drop")

    assert column(out, "event_id") == column(rows, "event_id")


@pytest.mark.parametrize(
    "options",
    [
        {"columns": ["no_such_column"]},
        {"columns": ["input_tokens"]},
        {"patterns": [{"name": "look", "pattern": "(?=a)"}]},
        {"content": "maybe"},
        {"unknown": 1},
    ],
)
def test_a_wrong_configuration_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(options)


def test_a_wrong_pattern_says_what_is_wrong_with_it() -> None:
    options = {"patterns": [{"name": "half", "pattern": "(a"}]}

    with pytest.raises(ValidationError, match=r"missing \): \(a"):
        Config.model_validate(options)


@pytest.mark.parametrize(
    "config",
    [
        {"content": "drop", "key": "k"},
        {"content": "drop", "key": "k", "max_length": 0},
        {"patterns": [{"name": "all", "pattern": "[aeiou]"}]},
    ],
)
def test_redact_keeps_the_contract(config: dict[str, Any]) -> None:
    texts = ["password=x", "plain", None, "plain"]
    keys = [{"prompt": "p", "diff": "d"}, {"diff": "d", "prompt": "p"}, {}, {"x": "password=x"}]
    rows = events(4, content=texts, tool_input=texts, attributes=keys)

    check_processor(factory, config, batches=[rows, batch(RESOURCES, 4, attributes=keys)])
