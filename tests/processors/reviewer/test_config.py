"""Whom the reviewer may be told to ask, and what its version depends on."""

import logging
from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.config.check import check
from agentpond.config.load import parse
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.registry import Registry
from agentpond.pipeline.processors.reviewer import factory

from .given import config, endpoint, reviewer, reviews, sessions

KEY = "sk-hunter2-hunter2"


@pytest.mark.parametrize(
    "base",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:11434/v1",
        "http://localhost:11434/v1",
        "http://[::1]:8080",
    ],
)
def test_an_endpoint_is_a_base_with_tls_or_on_this_machine(base: str) -> None:
    told = config(endpoint=base)

    assert told.endpoint == base


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("api.openai.com/v1", "expected the base of an API"),
        ("ftp://api.openai.com", "expected the base of an API"),
        ("https:///v1", "expected the base of an API"),
        ("https://a..example/v1", "expected the base of an API"),
        ("https://a.exam ple/v1", "expected the base of an API"),
        (f"https://a:{KEY}@api.example/v1", "holds more than an address"),
        (f"https://api.example/v1?key={KEY}", "holds more than an address"),
        ("https://api.example:99999/v1", "has a port that is no number"),
        ("http://api.example/v1", "that everybody on the way can read"),
        ("http://127.0.0.1.example/v1", "that everybody on the way can read"),
    ],
)
def test_an_endpoint_that_will_not_do_is_refused_without_repeating_it(
    base: str, words: str
) -> None:
    with pytest.raises(ValidationError) as told:
        config(endpoint=base)

    assert words in str(told.value)
    assert KEY not in str(told.value)


def test_another_machine_without_tls_may_be_insisted_on() -> None:
    told = config(endpoint="http://gateway:4000", insecure=True)

    assert told.host == "gateway:4000"


def test_an_age_that_no_quiet_session_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing would be reviewed"):
        config(quiet_for="2h", max_age="1h")


@pytest.mark.parametrize("key", ["two words", "kéy-hunter2", "a\r\nb"])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ValidationError) as told:
        config(api_key=key)

    assert "has characters that no key has" in str(told.value)
    assert key not in str(told.value)


def test_an_endpoint_and_a_model_are_asked_for() -> None:
    text = "processors: {reviewer: {}}\nservice: {pipelines: {}}"

    with pytest.raises(ConfigError) as told:
        check(parse(text, "a.yaml"), Registry([factory]))

    assert "processors.reviewer.endpoint: is needed and not there." in str(told.value)
    assert "processors.reviewer.model: is needed and not there." in str(told.value)


def test_a_mistake_beside_a_key_is_told_without_it() -> None:
    options = f"{{endpoint: 'https://u:{KEY}@a.example', model: m, api_key: '{KEY} {KEY}'}}"
    text = f"processors: {{reviewer: {options}}}\nservice: {{pipelines: {{}}}}"

    with pytest.raises(ConfigError) as told:
        check(parse(text, "a.yaml"), Registry([factory]))

    assert "processors.reviewer.api_key: has characters that no key has" in str(told.value)
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "other"},
        {"endpoint": "http://127.0.0.1:10/v1"},
        {"api": "anthropic"},
        {"prompts": True},
        {"max_digest": "32KiB"},
        {"max_tokens": 500},
        {"request": {"temperature": 0}},
    ],
)
def test_the_version_changes_with_what_is_asked_and_whom(options: dict[str, Any]) -> None:
    usual, other = reviewer().version, reviewer(**options).version

    assert usual != other


def test_the_version_stays_with_when_and_with_what_key_it_asks() -> None:
    other: dict[str, Any] = {
        "api_key": KEY,
        "timeout": "1s",
        "quiet_for": "1m",
        "at_most": 9,
        "max_age": "9d",
    }
    usual = reviewer().version

    changed = reviewer(**other, every="5m", settle="1s", retry_after="1h", min_api_calls=1).version

    assert changed == usual


def test_the_key_is_in_no_row_no_log_and_no_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with endpoint() as there:
        there.status = 401
        there.says({"error": f"not {KEY}"})
        options: dict[str, Any] = {"endpoint": there.url, "api_key": KEY}

        rows = reviews(sessions(), **options)

    assert there.heard[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{rows} {caplog.text} {reviewer(**options)} {reviewer(**options).version}"
