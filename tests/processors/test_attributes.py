"""Check what the actions make of attributes and columns."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.schema import RESOURCES
from agentpond.pipeline.processors.attributes import Attributes, Config, factory
from agentpond.pipeline.testing import batch, check_processor, events

ROWS = events(3, attributes=[{"a": "1", "b": "2", "debug.x": "3"}, None, {"b": "4"}], team=None)


def run(*actions: dict[str, Any], rows: Batch = ROWS) -> Batch:
    (out,) = Attributes(Config.model_validate({"actions": actions})).process(rows)
    assert isinstance(out, Batch)
    return out


def attributes(told: Batch) -> list[dict[str, str] | None]:
    column = told.records.column("attributes").to_pylist()
    return [None if each is None else dict(each) for each in column]


def test_only_the_attributes_named_are_kept() -> None:
    out = run({"action": "keep", "keys": ["a", "debug.*"]})

    assert attributes(out) == [{"a": "1", "debug.x": "3"}, None, {}]


def test_the_attributes_named_are_dropped() -> None:
    out = run({"action": "drop", "keys": ["a", "debug.*"]})

    assert attributes(out) == [{"b": "2"}, None, {"b": "4"}]


def test_a_renamed_attribute_replaces_what_stood_there() -> None:
    out = run({"action": "rename", "from": "a", "to": "b"})

    assert attributes(out) == [{"b": "1", "debug.x": "3"}, None, {"b": "4"}]


def test_renaming_to_itself_changes_nothing() -> None:
    out = run({"action": "rename", "from": "a", "to": "a"})

    assert attributes(out) == attributes(ROWS)


def test_an_attribute_is_set_in_every_event() -> None:
    out = run({"action": "set", "key": "b", "value": True})

    assert attributes(out) == [
        {"a": "1", "debug.x": "3", "b": "true"},
        {"b": "true"},
        {"b": "true"},
    ]


def test_an_attribute_is_set_only_where_it_is_missing() -> None:
    out = run({"action": "set", "key": "a", "value": 9, "only_missing": True})

    assert attributes(out) == [
        {"a": "1", "b": "2", "debug.x": "3"},
        {"a": "9"},
        {"b": "4", "a": "9"},
    ]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("team", "platform", "platform"),
        ("exit_code", 3, 3),
        ("success", False, False),
        ("duration_ms", 1, 1.0),
        ("time", "2026-11-20T10:00:00+01:00", datetime(2026, 11, 20, 9)),  # noqa: DTZ001 - UTC
    ],
)
def test_a_column_is_set_to_a_value(column: str, value: object, stored: object) -> None:
    out = run({"action": "set", "column": column, "value": value})

    assert out.records.column(column).to_pylist() == [stored] * 3


def test_a_column_is_set_only_where_it_is_missing() -> None:
    rows = events(2, team=["a", None])

    out = run({"action": "set", "column": "team", "value": "b", "only_missing": True}, rows=rows)

    assert out.records.column("team").to_pylist() == ["a", "b"]


def test_each_action_sees_what_the_one_before_left() -> None:
    out = run(
        {"action": "rename", "from": "a", "to": "c"},
        {"action": "keep", "keys": ["c"]},
        {"action": "set", "key": "d", "value": "x"},
    )

    assert attributes(out) == [{"c": "1", "d": "x"}, {"d": "x"}, {"d": "x"}]


def test_other_tables_pass() -> None:
    rows = batch(RESOURCES, 1, attributes={"a": "1"})

    out = run({"action": "drop", "keys": ["*"]}, rows=rows)

    assert out is rows


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"action": "erase", "keys": ["a"]}, "no action 'erase'. Known: keep, drop, rename, set."),
        ({"action": "dorp", "keys": ["a"]}, "no action 'dorp'. Did you mean `drop`?"),
        ({"keys": ["a"]}, "name an `action`. Known: keep"),
        ({"action": "set", "column": "tem", "value": "x"}, "Did you mean `team`?"),
        ({"action": "drop", "keys": []}, "at least 1"),
        ({"action": "set", "value": 1}, "either"),
        ({"action": "set", "key": "a", "column": "team", "value": 1}, "either"),
        ({"action": "set", "column": "event_id", "value": "x"}, "can be set"),
        ({"action": "set", "column": "no_such", "value": "x"}, "can be set"),
        ({"action": "set", "column": "exit_code", "value": "x"}, "does not fit"),
        ({"action": "set", "column": "exit_code", "value": True}, "does not fit"),
        ({"action": "rename", "from": "a"}, "to"),
    ],
)
def test_a_wrong_action_is_refused(action: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({"actions": [action]})


def test_attributes_keeps_the_contract() -> None:
    actions = [
        {"action": "drop", "keys": ["debug.*"]},
        {"action": "rename", "from": "a", "to": "b"},
        {"action": "set", "key": "z", "value": 1},
        {"action": "set", "column": "team", "value": "t", "only_missing": True},
    ]

    check_processor(factory, {"actions": actions}, batches=[ROWS])
