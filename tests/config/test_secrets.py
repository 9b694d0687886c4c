"""A mistake beside a secret is told without the secret."""

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from agentpond.config.check import check
from agentpond.config.load import parse
from agentpond.pipeline.core.component import Factory, Kind, Settings
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.registry import Registry

STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Token(BaseModel):
    """A token."""

    model_config = STRICT

    token: SecretStr
    """The token."""
    user_id: str = ""
    """Whose it is."""


class Auth(BaseModel):
    """Who may send."""

    model_config = STRICT

    tokens: tuple[Token, ...] = ()
    """The tokens."""


class OtlpConfig(BaseModel):
    """Take OTLP."""

    model_config = STRICT

    auth: Auth | None = None
    """Who may send."""
    most: int = 3
    """How many at once."""


def _nothing(config: object, settings: Settings) -> None:
    del config, settings


def complaint(otlp: str) -> str:
    """Say what is told of a receiver written so."""
    registry = Registry([Factory(Kind.RECEIVER, "otlp", OtlpConfig, _nothing)])
    with pytest.raises(ConfigError) as told:
        check(parse(f"receivers:\n  otlp:\n{otlp}", "a.yaml", {}), registry)
    return str(told.value)


@pytest.mark.parametrize(
    ("otlp", "words"),
    [
        ("    auth: h1dden", "auth: expected a mapping (`key: value`), got another value."),
        (
            "    auth: {tokens: h1dden}",
            "auth.tokens: expected a list such as `[a, b]`, got another",
        ),
        (
            "    auth: {tokens: [h1dden]}",
            "auth.tokens[0]: expected a mapping (`key: value`), got an",
        ),
        ("    auth: {tokens: ['token:h1dden']}", "expected a mapping (`key: value`), got another"),
        ("    auth: {tokens: [{token: 1717171}]}", "got another value. Put it in quotes."),
        ("    auth: {tokens: [{token: 2017-01-17}]}", "expected text, got another value."),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(otlp: str, words: str) -> None:
    told = complaint(otlp)

    assert words in told
    assert "h1dden" not in told
    assert "17" not in told


def test_a_secret_after_a_missing_space_is_not_repeated() -> None:
    told = complaint("    auth:\n      tokens:\n        - token:h1dden\n          user_id: alice\n")

    assert "a space is missing after `token:`. Write `token: ...`." in told
    assert "h1dden" not in told


@pytest.mark.parametrize(
    ("otlp", "words"),
    [
        ("    auth: {tokens: {token: a}}", "expected a list such as `[a, b]`, got a mapping."),
        ("    auth: {tokens: [{token: a, user_id: 7}]}", "expected text, got 7."),
        ("    most: many", "expected a whole number, got 'many'."),
        ("    17", "expected a mapping (`key: value`), got 17."),
    ],
)
def test_what_is_no_secret_is_repeated(otlp: str, words: str) -> None:
    told = complaint(otlp)

    assert words in told


@pytest.mark.parametrize("value", ["*hunter2", "!hunter2", "${hunter2}", "&x hunter2 *hunter2"])
def test_what_yaml_does_not_understand_of_a_secret_is_not_repeated(value: str) -> None:
    text = f"receivers:\n  otlp:\n    auth:\n      tokens:\n        - token: {value}\n"

    with pytest.raises(ConfigError) as told:
        check(parse(text, "a.yaml"), Registry([]))

    assert "hunter2" not in str(told.value)


def test_for_a_secret_no_default_is_proposed() -> None:
    text = "receivers: {otlp: {auth: {tokens: [{token: '${env:NO_SUCH_TOKEN}'}]}}}"

    with pytest.raises(ConfigError) as told:
        check(parse(text, "a.yaml"), Registry([]))

    assert "NO_SUCH_TOKEN is not set. Set it." in str(told.value)
