"""Config: what a user writes under ``receivers.otlp``."""

from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.receiver.otlp import Config

MIB = 1024 * 1024


def opened(config: Any) -> dict[str, str]:
    protocols = Config.model_validate(config).protocols
    both = {"grpc": protocols.grpc, "http": protocols.http}
    return {name: told.endpoint for name, told in both.items() if told is not None}


@pytest.mark.parametrize(
    ("config", "endpoints"),
    [
        ({}, {"grpc": "127.0.0.1:4317", "http": "127.0.0.1:4318"}),
        ({"protocols": None}, {"grpc": "127.0.0.1:4317", "http": "127.0.0.1:4318"}),
        ({"protocols": {}}, {}),
        ({"protocols": {"grpc": {}}}, {"grpc": "127.0.0.1:4317"}),
        ({"protocols": {"grpc": None}}, {"grpc": "127.0.0.1:4317"}),
        ({"protocols": {"http": {"endpoint": "[::1]:0"}}}, {"http": "[::1]:0"}),
        ({"protocols": {"http": {"endpoint": ":4318"}}, "insecure": True}, {"http": ":4318"}),
    ],
)
def test_protocols_that_are_named_are_opened(config: Any, endpoints: dict[str, str]) -> None:
    told = opened(config)

    assert told == endpoints


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://127.0.0.1:4318", "without http://"),
        ("127.0.0.1", "is not host:port"),
        ("::1:4317", "is not host:port"),
        ("127.0.0.1:http", "is not a port"),
        ("127.0.0.1:65536", "is not a port"),
    ],
)
def test_an_endpoint_that_is_none_is_told_the_right_form(endpoint: str, why: str) -> None:
    config = {"protocols": {"http": {"endpoint": endpoint}}}

    with pytest.raises(ValidationError, match=why) as told:
        Config.model_validate(config)

    assert told.value.errors()[0]["loc"] == ("protocols", "http", "endpoint")


@pytest.mark.parametrize(
    ("protocols", "limit_bytes"),
    [
        ({"grpc": {"max_request_bytes": "4MiB"}}, 4 * MIB),
        ({"grpc": {"max_recv_msg_size_mib": 4}}, 4 * MIB),
        ({"http": {"max_request_bytes": 4096}}, 4096),
        ({"http": {"max_request_body_size": 4096}}, 4096),
    ],
)
def test_the_limit_is_understood_in_our_words_and_the_collectors(
    protocols: Any, limit_bytes: int
) -> None:
    told = Config.model_validate({"protocols": protocols}).protocols

    limits = [int(p.max_request_bytes) for p in (told.grpc, told.http) if p is not None]
    assert limits == [limit_bytes]


def test_what_only_the_front_door_can_hold_is_not_promised_without_it() -> None:
    grpc = {"answer_other_protocols": False, "max_connections": 10}

    with pytest.raises(ValidationError, match="max_connections: gRPC itself does not bound"):
        Config.model_validate({"protocols": {"grpc": grpc}})


def test_the_default_limit_is_64_mebibytes() -> None:
    told = Config().protocols

    assert told.grpc is not None
    assert told.http is not None
    assert {told.grpc.max_request_bytes, told.http.max_request_bytes} == {64 * MIB}


@pytest.mark.parametrize(
    "config",
    [
        {"protocol": {}},
        {"protocols": {"thrift": {}}},
        {"protocols": {"grpc": {"tls": {}}}},
        {"max_bytes_in_hand": "1MiB"},
        {"max_requests_in_hand": 0},
    ],
)
def test_what_cannot_be_meant_is_refused(config: Any) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(config)


def test_the_schema_can_be_written() -> None:
    schema = Config.model_json_schema()

    assert sorted(schema["properties"]) == [
        "auth",
        "insecure",
        "max_bytes_in_hand",
        "max_bytes_in_hand_per_peer",
        "max_requests_in_hand",
        "max_requests_in_hand_per_peer",
        "max_response_bytes",
        "protocols",
        "stop_timeout_s",
    ]


OPEN = {"endpoint": "0.0.0.0:4318"}
CERTIFICATE = {"cert_file": "server.pem", "key_file": "server.key"}


@pytest.mark.parametrize(
    "protocols",
    [
        {"http": OPEN},
        {"grpc": {"endpoint": "[::]:4317"}},
        {"http": {"endpoint": ":4318"}},
        {"http": {"endpoint": "collector.example:4318"}},
        {"grpc": {}, "http": {**OPEN, "tls": CERTIFICATE}},
    ],
    ids=["any IPv4", "any", "no host", "a name", "TLS that asks nobody who he is"],
)
def test_a_door_that_anybody_can_reach_needs_a_token(protocols: Any) -> None:
    with pytest.raises(ValidationError, match="other machines can reach") as told:
        Config.model_validate({"protocols": protocols})

    assert "insecure: true" in str(told.value)


@pytest.mark.parametrize(
    "config",
    [
        {"auth": {"tokens": [{"token": "a-token"}]}, "protocols": {"http": OPEN}},
        {"insecure": True, "protocols": {"http": OPEN}},
        {"protocols": {"http": {**OPEN, "tls": {**CERTIFICATE, "client_ca_file": "ca.pem"}}}},
        {"protocols": {"http": {"endpoint": "localhost:4318"}, "grpc": {"endpoint": "[::1]:0"}}},
    ],
    ids=["a token", "told so", "client certificates", "loopback"],
)
def test_a_door_is_opened_where_somebody_minds_it(config: Any) -> None:
    told = opened(config)

    assert set(told) == set(config["protocols"])
