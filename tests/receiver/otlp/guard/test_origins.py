"""Host and Origin: which senders are web pages, and which of them may send."""

from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.otlp.guard.origins import CorsConfig, Visitors, is_loopback

APP = "https://app.example.com"
VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def visitors(
    *origins: str,
    hosts: tuple[str, ...] = (),
    loopback: bool = True,
    serves_pages: bool = False,
    **cors: Any,
) -> Visitors:
    config = CorsConfig(allowed_origins=origins, **cors) if origins or cors else None
    return Visitors(config, hosts, loopback, serves_pages=serves_pages)


def refusal(asked: Visitors, host: str | None, origin: str | None = None) -> Permanent:
    with pytest.raises(Permanent) as told:
        asked.check(host, origin)
    return told.value


def let_in(asked: Visitors, host: str | None, origin: str | None = None) -> bool:
    asked.check(host, origin)
    return True


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4318",
        "127.8.9.1",
        "[::1]:4318",
        "[::1]",
        "10.0.0.5:4318",
        "0.0.0.0:4318",
        "localhost",
        "LocalHost:4318",
        "localhost.:4318",
        "pond.localhost:4318",
        "host.docker.internal:4318",
        "host.containers.internal",
        "",
        None,
    ],
)
def test_a_host_that_cannot_be_rebound_is_let_in(host: str | None) -> None:
    assert let_in(visitors(), host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com:4318",
        "127.0.0.1.evil.example.com",
        "evil-localhost",
        "localhost.evil.example.com",
        "user@localhost",
        "localhost, evil.example.com",
        "127.0.0.1@evil.example.com",
        "[evil.example.com]",
        "2130706433",
        ":4318",
        "::1",
        ".",
    ],
)
def test_on_loopback_any_other_host_is_refused(host: str) -> None:
    error = refusal(visitors(), host)

    assert error.reason == "forbidden_host"
    assert str(error) == (
        f"Host: {host} is not a name of this machine. Send to 127.0.0.1 or localhost, or add "
        "the name to protocols.http.allowed_hosts."
    )


@pytest.mark.parametrize("host", ["pond.lan", "POND.lan:4318", "pond.lan.", "a.corp.example:1"])
def test_an_allowed_host_is_let_in(host: str) -> None:
    asked = visitors(hosts=("Pond.lan:4318", "*.corp.example"))

    assert let_in(asked, host)


def test_where_other_machines_can_reach_us_any_host_is_let_in() -> None:
    assert let_in(visitors(loopback=False), "pond.example.com:4318")


def test_hosts_that_are_named_are_checked_wherever_we_listen() -> None:
    error = refusal(visitors(hosts=("pond.lan",), loopback=False), "evil.example.com")

    assert error.reason == "forbidden_host"


def test_a_page_that_rebound_its_name_is_refused_although_it_is_same_origin() -> None:
    error = refusal(visitors(), "evil.example.com:4318", "http://evil.example.com:4318")

    assert error.reason == "forbidden_host"


@pytest.mark.parametrize(
    "origin", ["http://evil.example.com", "http://localhost:3000", "http://127.0.0.1", "", "x"]
)
def test_without_cors_no_page_may_send(origin: str) -> None:
    error = refusal(visitors(), "127.0.0.1:4318", origin)

    assert error.reason == "forbidden_origin"
    assert str(error) == (
        f"Origin: {origin} is a web page that may not send. "
        "Add it to protocols.http.cors.allowed_origins."
    )


@pytest.mark.parametrize("origins", [(), (APP,), ("*",)])
def test_a_page_without_an_origin_of_its_own_never_may(origins: tuple[str, ...]) -> None:
    error = refusal(visitors(*origins), "127.0.0.1:4318", "null")

    assert error.reason == "forbidden_origin"
    assert "sends from a page that has no origin of its own" in str(error)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:4318", "http://localhost:4318"),
        ("LOCALHOST:4318", "http://localhost:4318"),
        ("[::1]:4318", "http://[::1]:4318"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost:443"),
    ],
)
def test_a_page_that_our_host_serves_may_send(host: str, origin: str) -> None:
    assert let_in(visitors(serves_pages=True), host, origin)


def test_a_rebound_page_is_refused_where_any_host_is_let_in_too() -> None:
    asked = visitors(loopback=False)

    error = refusal(asked, "evil.example.com:4318", "http://evil.example.com:4318")

    assert error.reason == "forbidden_origin"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:4318", "http://localhost:4319"),
        ("localhost:4318", "http://127.0.0.1:4318"),
        ("localhost:443", "http://localhost"),
        ("localhost:4318", "http://localhost:99999"),
        ("localhost:4318", "http://[::1:4318"),
        ("localhost:4318", "vscode-file://localhost:4318"),
        ("", "http://"),
        (None, "http://localhost:4318"),
    ],
)
def test_a_page_of_another_origin_may_not(host: str | None, origin: str) -> None:
    error = refusal(visitors(serves_pages=True), host, origin)

    assert error.reason == "forbidden_origin"


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        (APP, APP),
        (APP, "HTTPS://App.Example.com"),
        ("https://*.example.com", APP),
        ("http://localhost:*", "http://localhost:3000"),
        ("http://[::1]:*", "http://[::1]:3000"),
        ("https://*", APP),
        ("chrome-extension://*", "chrome-extension://abcdef"),
        ("*", "http://anywhere.example"),
    ],
)
def test_a_page_of_an_allowed_origin_may_send(allowed: str, origin: str) -> None:
    assert let_in(visitors("https://other.example", allowed), "127.0.0.1:4318", origin)


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        (APP, "http://app.example.com"),
        (APP, "https://app.example.com:8443"),
        (APP, "https://app.example.com.evil.example"),
        (APP, "https://appxexample.com"),
        ("https://*.example.com", "https://example.com"),
        ("http://[::1]:80", "http://:80"),
    ],
)
def test_a_page_of_an_origin_that_is_only_like_it_may_not(allowed: str, origin: str) -> None:
    error = refusal(visitors(allowed), "127.0.0.1:4318", origin)

    assert error.reason == "forbidden_origin"


def test_a_long_or_unprintable_header_is_not_repeated_as_it_is() -> None:
    error = refusal(visitors(), "evil\x1b[2J\r\n" + "a" * 200)

    assert "Host: evil?[2J??aaa" in str(error)
    assert len(str(error)) < 300


@given(host=st.none() | st.text(), origin=st.none() | st.text())
def test_any_headers_are_let_in_or_refused_in_words(host: str | None, origin: str | None) -> None:
    reason = None
    try:
        visitors(APP, hosts=("pond.lan",)).check(host, origin)
    except Permanent as error:
        reason = error.reason

    assert reason in {None, "forbidden_host", "forbidden_origin"}


def test_an_answer_to_an_allowed_page_can_be_read_by_it() -> None:
    headers = visitors(APP).answer_headers(APP)

    assert headers == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def test_an_answer_for_any_page_does_not_let_them_send_credentials() -> None:
    headers = visitors("*").answer_headers(APP)

    assert headers == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_an_answer_to_others_says_only_that_it_varies(origin: str | None) -> None:
    headers = visitors(APP).answer_headers(origin)

    assert headers == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [None, "null", APP])
def test_without_cors_an_answer_says_nothing_of_it(origin: str | None) -> None:
    headers = visitors().answer_headers(origin)

    assert headers == {}


def test_a_preflight_of_an_allowed_page_is_told_what_it_may_send() -> None:
    asked = visitors(APP, allowed_headers=("Authorization",), max_age=600)

    headers = asked.preflight_headers(APP, "POST", "authorization, content-type,x-other")

    assert headers == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Max-Age": "600",
        "Vary": VARY,
    }


def test_a_preflight_that_asks_for_no_header_is_told_of_none() -> None:
    headers = visitors(APP).preflight_headers(APP, "POST", None)

    assert sorted(headers) == [
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Vary",
    ]


def test_a_star_allows_every_header_that_is_one() -> None:
    asked = visitors(APP, allowed_headers=("*",))

    headers = asked.preflight_headers(APP, "POST", "authorization, x-b, bad name, x\r\ny, ")

    assert headers["Access-Control-Allow-Headers"] == "authorization, x-b"


@pytest.mark.parametrize(
    ("origin", "method"),
    [(None, "POST"), ("null", "POST"), ("https://evil.example", "POST"), (APP, "PUT"), (APP, None)],
)
def test_a_preflight_of_what_may_not_be_is_allowed_nothing(
    origin: str | None, method: str | None
) -> None:
    headers = visitors(APP).preflight_headers(origin, method, "content-type")

    assert headers == {"Vary": VARY}


@pytest.mark.parametrize(
    "origin", ["app.example.com", f"{APP}/", f"{APP}/path", "null", "", "https://a b", "*://x"]
)
def test_an_origin_in_the_config_that_would_never_match_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin, and would never match"):
        CorsConfig(allowed_origins=(origin,))


def test_the_collectors_names_are_understood() -> None:
    told = CorsConfig.model_validate(
        {"allowed_origins": [APP], "allowed_headers": ["X-A"], "max_age": 7200}
    )

    assert told == CorsConfig(allowed_origins=(APP,), allowed_headers=("X-A",), max_age_s=7200)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LOCALHOST"]
)
def test_a_loopback_host_is_for_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0", "::", "*", "10.0.0.5", "fe80::1", "pond.lan", "localhost.lan", "128.1"]
)
def test_any_other_host_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_all_interfaces_are_not() -> None:
    assert not is_loopback(str(IPv4Address(0)))
