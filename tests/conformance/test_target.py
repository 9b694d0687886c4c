"""An endpoint is read as it is meant, or the answer says how to write it."""

import pytest

from agentpond.conformance import UsageError, targets


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("http://a:1", ["http://a:1"]),
        ("https://a", ["https://a:4318"]),
        ("grpc://a", ["grpc://a:4317"]),
        ("grpcs://[::1]:9", ["grpcs://[::1]:9"]),
        ("http://a:1/otlp/", ["http://a:1/otlp"]),
        ("a", ["http://a:4318", "grpc://a:4317"]),
        ("a:4317", ["grpc://a:4317"]),
        ("127.0.0.1:4318", ["http://127.0.0.1:4318"]),
    ],
)
def test_an_endpoint_is_read(text: str, urls: list[str]) -> None:
    found = targets([text])

    assert [str(target) for target in found] == urls


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a:99", "port 99 is none of OTLP's own"),
        ("ftp://a", "ftp:// is not known here"),
        ("http://a/v1/logs", "leave out the signal's path"),
        ("grpc://a/x", "gRPC has no path"),
        ("a/x", "a path needs http://"),
        ("http://", "it is no address"),
        ("http://a:99999", "Port out of range"),
        ("http://a:0", "it is no address"),
        (f"http://{'a' * 64}", "label"),
        ("http://a..b", "label empty"),
        ("http://a/b c", "write it percent-encoded"),
        ("http://a/\u2603", "write it percent-encoded"),
    ],
)
def test_an_unclear_endpoint_is_refused_with_what_to_write(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        targets([text])

    assert why in str(refused.value)
    assert "Write http://HOST:4318" in str(refused.value)


def test_an_endpoint_told_twice_is_tried_once() -> None:
    found = targets(["a", "http://a:4318"])

    assert [str(target) for target in found] == ["http://a:4318", "grpc://a:4317"]
