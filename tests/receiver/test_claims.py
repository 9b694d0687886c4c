"""Who a token says that a sender is wins over what his records say, and changes nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.signal import Encoding, Identity, Request, Signal
from agentpond.receiver.codec import OtlpCodec

from .build import CLAUDE_CODE, TIME_NS, gauge, log, logs, request, rows_of, span, spans
from .wire.otlp_json import Writing, to_json

NAMES = ("user_id", "user_email", "organization_id", "team")
ALICE = Identity("alice", "alice@example.org", "acme", "red")
BOB = Identity(user_id="bob", team="blue")
CLAIMS = {"user.id": "mallory", "user.email": "m@example.org", "organization.id": "evil"}


def sent(identity: Identity | None, told: dict[str, Any] | None = None, **fields: Any) -> Request:
    message = logs([log(told or {}, **fields)], CLAUDE_CODE)
    return replace(request(message), identity=identity)


def who(row: dict[str, Any]) -> list[str | None]:
    return [row[name] for name in NAMES]


@pytest.mark.parametrize(
    "message",
    [
        logs([log(CLAIMS)], CLAUDE_CODE),
        spans([span(CLAIMS)]),
        gauge("tokens", CLAIMS, 1.0),
        logs([log({})], resource={**CLAIMS, "team": "green"}),
    ],
    ids=["log record", "span", "point", "resource"],
)
def test_the_identity_of_a_request_wins_over_what_it_claims(message: Any) -> None:
    (row,) = rows_of([replace(request(message), identity=ALICE)])

    assert who(row) == ["alice", "alice@example.org", "acme", "red"]


def test_where_an_identity_says_nothing_the_claim_stands() -> None:
    (row,) = rows_of([sent(BOB, CLAIMS)])

    assert who(row) == ["bob", "m@example.org", "evil", "blue"]


def test_an_empty_identity_changes_nothing() -> None:
    rows = [rows_of([sent(identity, CLAIMS)]) for identity in (Identity(), None)]

    assert rows[0] == rows[1]


def test_a_record_without_claims_gets_the_identity() -> None:
    (row,) = rows_of([sent(BOB)])

    assert who(row) == ["bob", None, None, "blue"]


def test_each_request_of_a_call_has_its_own_identity() -> None:
    requests = [
        sent(ALICE, CLAIMS, event_name="0"),
        sent(None, CLAIMS, event_name="1"),
        sent(BOB, CLAIMS, event_name="2"),
        sent(ALICE, event_name="3"),
    ]

    rows = rows_of(requests)

    assert {row["position"]: row["user_id"] for row in rows} == {
        0: "alice",
        1: "mallory",
        2: "bob",
        3: "alice",
    }


def test_identities_stay_with_their_requests_beside_refused_ones_and_other_encodings() -> None:
    in_json = Request(
        Signal.LOGS, Encoding.JSON, to_json(logs([log({})]), Writing()), TIME_NS, "otlp", BOB
    )
    broken = Request(Signal.LOGS, Encoding.PROTOBUF, b"\xff", TIME_NS, "otlp", BOB)
    codec = OtlpCodec()

    _, first = codec.decode(
        [broken, sent(ALICE), in_json, broken, replace(request(spans([span({})])))]
    )
    _, second = codec.decode([sent(None), sent(BOB)])

    batches = codec.normalize(
        [Placed(first, [10, 20, 30], [TIME_NS] * 3), Placed(second, [40, 50], [TIME_NS] * 2)]
    )
    events = [b for b in batches if b.table.name == "events"]
    told = {r["position"]: r["user_id"] for b in events for r in b.records.to_pylist()}
    assert told == {10: "alice", 20: "bob", 30: None, 40: None, 50: "bob"}


@pytest.mark.parametrize("table", ["resources", "span_events"])
def test_other_tables_are_as_without_an_identity(table: str) -> None:
    told = spans([span({}, events=[{"name": "e"}])], resource=CLAIMS)

    rows = rows_of([replace(request(told), identity=ALICE)], table)

    assert rows == rows_of([request(told)], table)


def test_the_same_record_sent_with_another_token_is_the_same_record() -> None:
    ids = {row["event_id"] for row in rows_of([sent(ALICE, CLAIMS), sent(BOB, CLAIMS)])}

    assert len(ids) == 1


def test_what_a_record_claimed_is_kept_where_it_was_overruled() -> None:
    (row,) = rows_of([sent(BOB, CLAIMS)])

    assert row["attributes"] == {"claimed.user_id": "mallory"}


def test_what_a_resource_claimed_is_read_there_and_not_kept_twice() -> None:
    told = replace(request(logs([log({})], resource=CLAIMS)), identity=ALICE)

    (row,) = rows_of([told])

    (resource,) = rows_of([told], "resources")
    assert row["attributes"] == {}
    assert resource["attributes"] == CLAIMS


def test_a_claim_that_is_true_is_not_kept() -> None:
    (row,) = rows_of([sent(ALICE, {"user.id": "alice"})])

    assert row["attributes"] == {}
