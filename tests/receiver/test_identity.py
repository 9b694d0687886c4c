"""Hold event ids to their law: a copy has the same id, and whatever differs has another."""

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from .build import CLAUDE_CODE, CODEX, NOBODY, TIME_NS, gauge, log, logs, rows, span, spans

ATTRIBUTES = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.text(max_size=5) | st.integers(-9, 9) | st.booleans() | st.floats(allow_nan=False),
    max_size=4,
)


def id_of(message: Message) -> str:
    (row,) = rows(message)
    told: str = row["event_id"].hex()
    return told


@settings(max_examples=40, deadline=None)
@given(told=ATTRIBUTES, seed=st.randoms(use_true_random=False))
def test_the_order_of_attributes_does_not_matter(told: Mapping[str, Any], seed: Any) -> None:
    shuffled = list(told.items())
    seed.shuffle(shuffled)

    assert id_of(logs([log(dict(shuffled))])) == id_of(logs([log(told)]))


@settings(max_examples=40, deadline=None)
@given(told=ATTRIBUTES, other=ATTRIBUTES)
def test_records_with_other_attributes_have_other_ids(
    told: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    same = repr(sorted(told.items())) == repr(sorted(other.items()))

    assert (id_of(logs([log(told)])) == id_of(logs([log(other)]))) == same


@given(told=st.lists(ATTRIBUTES, min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_record_has_the_same_id_alone_and_among_others(told: list[Mapping[str, Any]]) -> None:
    together = rows(logs([log(one) for one in told]))

    assert {row["event_id"].hex() for row in together} == {id_of(logs([log(one)])) for one in told}


LOGS = {
    "time": logs([log({}, time_unix_nano=TIME_NS + 1)]),
    "observed time": logs([log({}, observed_time_unix_nano=1)]),
    "severity": logs([log({}, severity_number=9)]),
    "severity text": logs([log({}, severity_text="INFO")]),
    "event name": logs([log({}, event_name="a.b")]),
    "trace": logs([log({}, trace_id=b"0123456789abcdef")]),
    "span": logs([log({}, span_id=b"01234567")]),
    "scope": logs([log({})], scope="another.library"),
    "resource": logs([log({})], resource={"service.name": "x"}),
    "attribute": logs([log({"a": 1})]),
    "attribute as text": logs([log({"a": "1"})]),
    "attribute as double": logs([log({"a": 1.0})]),
    "attribute as flag": logs([log({"a": True})]),
    "empty attribute": logs([log({"a": None})]),
    "empty text": logs([log({"a": ""})]),
    "list": logs([log({"a": [1]})]),
    "nothing": logs([log({})]),
}
POINTS = {
    "value": gauge("g", {}, 2.0),
    "name": gauge("h", {}, 1.0),
    "time": gauge("g", {}, 1.0, time_unix_nano=TIME_NS + 1),
    "start": gauge("g", {}, 1.0, start_time_unix_nano=1),
    "attribute": gauge("g", {"a": 1}, 1.0),
    "nothing": gauge("g", {}, 1.0),
}


@pytest.mark.parametrize("kept", [LOGS, POINTS], ids=["logs", "points"])
def test_whatever_differs_makes_another_id(kept: Mapping[str, Message]) -> None:
    ids = {name: id_of(message) for name, message in kept.items()}

    assert len(set(ids.values())) == len(kept)


def test_a_span_is_known_by_its_trace_and_span_id() -> None:
    one = spans([span({"a": 1})], scope=NOBODY)
    copy = spans([span({"a": 2}, name="renamed")], scope=CODEX)

    assert id_of(copy) == id_of(one)


def test_two_spans_of_a_trace_have_two_ids() -> None:
    assert id_of(spans([span({}, span_id=b"76543210")])) != id_of(spans([span({})]))


def test_a_claude_code_log_is_known_by_session_time_sequence_and_name() -> None:
    told = {"event.name": "api_request", "session.id": "s", "event.sequence": 7}
    one = logs([log(told)], scope=CLAUDE_CODE)
    copy = logs([log(told | {"duration_ms": 5})], scope=CLAUDE_CODE, resource={"a": "b"})

    assert id_of(copy) == id_of(one)


@pytest.mark.parametrize(
    "change",
    [{"event.name": "api_error"}, {"session.id": "t"}, {"event.sequence": 8}],
    ids=str,
)
def test_two_claude_code_logs_that_differ_in_their_key_have_two_ids(
    change: dict[str, Any],
) -> None:
    told: dict[str, Any] = {"event.name": "api_request", "session.id": "s", "event.sequence": 7}

    ids = {id_of(logs([log(one)], scope=CLAUDE_CODE)) for one in (told, told | change)}

    assert len(ids) == 2


def test_a_claude_code_log_without_sequence_is_known_by_all_it_says() -> None:
    told = {"event.name": "api_request", "session.id": "s"}

    ids = {id_of(logs([log(told | {"n": n})], scope=CLAUDE_CODE)) for n in range(3)}

    assert len(ids) == 3


def test_claude_code_logs_without_a_session_are_known_by_all_they_say() -> None:
    told = {"event.name": "api_request", "event.sequence": 0}

    ids = {id_of(logs([log(told | {"user.id": user})], scope=CLAUDE_CODE)) for user in "ab"}

    assert len(ids) == 2


def test_claude_code_logs_without_a_time_are_known_by_all_they_say() -> None:
    told = {"event.name": "user_prompt", "session.id": "s", "event.sequence": 0}
    times = ("2026-11-20T10:00:00.000Z", "2026-11-20T11:00:00.000Z")

    records = [log(told | {"event.timestamp": time}, time_unix_nano=0) for time in times]

    assert len({id_of(logs([record], scope=CLAUDE_CODE)) for record in records}) == 2
