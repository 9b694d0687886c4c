"""The gate: an Authorization header to who sends."""

import base64
import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Identity
from agentpond.receiver.otlp.guard.auth import AuthConfig, Gate

from .support import LOGGER, Clock, put

TOKENS = [{"token": "of-alice", "user_id": "alice"}, {"token": "of-bob", "team": "platform"}]
BASIC = [{"username": "carol", "password": "pä:ss"}]


def gate(clock: Clock | None = None, **config: Any) -> Gate:
    return Gate(AuthConfig.model_validate(config), LOGGER, clock or Clock())


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def refusal(of: Gate, authorization: str | None) -> Permanent:
    with pytest.raises(Permanent) as told:
        of.identify(authorization)
    return told.value


@pytest.mark.parametrize(
    ("authorization", "identity"),
    [
        ("Bearer of-alice", Identity(user_id="alice")),
        ("Bearer of-bob", Identity(team="platform")),
        ("bearer of-alice", Identity(user_id="alice")),
        ("  BEARER   of-alice  ", Identity(user_id="alice")),
    ],
)
def test_a_token_tells_whose_it_is(authorization: str, identity: Identity) -> None:
    told = gate(tokens=TOKENS).identify(authorization)

    assert told == identity


def test_a_token_of_which_nothing_is_said_gets_in_and_tells_nothing() -> None:
    told = gate(tokens=[{"token": "plain"}]).identify("Bearer plain")

    assert told is None


def test_a_token_may_stand_in_the_config_as_its_hash() -> None:
    hashed = f"sha256:{hashlib.sha256(b'of-alice').hexdigest()}"

    told = gate(tokens=[{"token": hashed, "user_id": "alice"}]).identify("Bearer of-alice")

    assert told == Identity(user_id="alice")


def test_the_hash_is_not_the_token() -> None:
    hashed = f"sha256:{hashlib.sha256(b'of-alice').hexdigest()}"
    asked = gate(tokens=[{"token": hashed}])

    error = refusal(asked, f"Bearer {hashed}")

    assert error.reason == "unauthenticated"


def test_a_name_and_its_password_tell_whose_they_are() -> None:
    told = gate(basic=BASIC).identify(basic("carol:pä:ss"))

    assert told == Identity(user_id="carol")


def test_a_user_id_wins_over_the_name() -> None:
    named = [{**BASIC[0], "user_id": "c.jones", "team": "a"}]

    told = gate(basic=named).identify(basic("carol:pä:ss"))

    assert told == Identity(user_id="c.jones", team="a")


def test_a_password_may_stand_in_the_config_as_its_hash() -> None:
    hashed = f"sha256:{hashlib.sha256(b'x').hexdigest()}"

    told = gate(basic=[{"username": "dave", "password": hashed}]).identify(basic("dave:x"))

    assert told == Identity(user_id="dave")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer of-alic",
        "Bearer of-alicf",
        "Bearer of-alice of-alice",
        "Bearer of-alice\udcff",
        "Bearer of-älice",
        "Basic of-alice",
        basic("carol"),
        basic("carol:of-alice"),
        basic("alice:pä:ss"),
        "Basic Y2Fyb2w6cMOkOnNz\udcff",
        "Basic //79",
    ],
)
def test_what_is_not_known_is_refused_and_not_repeated(authorization: str) -> None:
    error = refusal(gate(tokens=TOKENS, basic=BASIC), authorization)

    assert error.reason == "unauthenticated"
    assert str(error).startswith("Authorization: not known here. Send Bearer <token> or Basic ")
    assert authorization.split()[1] not in str(error)


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        (None, "none given"),
        ("  ", "none given"),
        ("of-alice", "of a scheme that is not taken here"),
        ("Digest of-alice", "of a scheme that is not taken here"),
        (basic("alice:of-alice"), "of a scheme that is not taken here"),
        ("Bearer", "nothing follows the scheme (is a variable not set?)"),
        ("Bearer of-eve", "not known here"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_how_agents_set_it(
    authorization: str | None, why: str
) -> None:
    error = refusal(gate(tokens=TOKENS), authorization)

    assert str(error) == (
        f"Authorization: {why}. Send Bearer <token>: in Claude Code set "
        'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20<token>", in Codex write '
        'headers = { Authorization = "Bearer <token>" } into the exporter of config.toml.'
    )


def test_where_passwords_alone_are_known_a_refusal_asks_for_one() -> None:
    error = refusal(gate(basic=BASIC), "Bearer of-alice")

    assert str(error).startswith(
        "Authorization: of a scheme that is not taken here. "
        "Send Basic <base64 of username:password>: in Claude Code set"
    )


@given(st.text())
def test_any_header_is_refused_in_words(authorization: str) -> None:
    error = refusal(gate(tokens=TOKENS, basic=BASIC), authorization)

    assert error.reason == "unauthenticated"


@given(st.text(), st.binary())
def test_any_credentials_are_refused_in_words(text: str, raw: bytes) -> None:
    asked = gate(tokens=TOKENS, basic=BASIC)

    reasons = {
        refusal(asked, f"Bearer {text}").reason,
        refusal(asked, f"Basic {text}").reason,
        refusal(asked, f"Basic {base64.b64encode(raw).decode()}").reason,
    }

    assert reasons == {"unauthenticated"}


def test_without_a_config_anybody_may_send() -> None:
    asked = Gate(None, LOGGER)

    told = asked.identify(None)

    assert asked.open
    assert told is None


def test_with_a_config_not_anybody_may_send() -> None:
    asked = gate(tokens=TOKENS)

    assert not asked.open


def test_a_token_of_the_file_gets_in_beside_those_of_the_config(tmp_path: Path) -> None:
    path = put(tmp_path / "tokens", "of-dave user_id=dave")
    asked = gate(tokens=TOKENS, tokens_file=path)

    told = [asked.identify("Bearer of-dave"), asked.identify("Bearer of-alice")]

    assert told == [Identity(user_id="dave"), Identity(user_id="alice")]


def test_a_token_in_config_and_file_is_that_of_the_config(tmp_path: Path) -> None:
    path = put(tmp_path / "tokens", "of-alice user_id=eve")

    told = gate(tokens=TOKENS, tokens_file=path).identify("Bearer of-alice")

    assert told == Identity(user_id="alice")


def test_a_token_that_leaves_the_file_is_refused(tmp_path: Path) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "of-dave")
    asked = gate(clock, tokens_file=path)
    put(path, "# nobody")
    clock.pass_by()

    error = refusal(asked, "Bearer of-dave")

    assert "Authorization: not known here. Send Bearer <token>:" in str(error)


def test_a_file_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="cannot be read: No such file"):
        gate(tokens_file=tmp_path / "tokens")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "names nobody. Add `tokens`, `tokens_file` or `basic`"),
        ({"tokens": [{"token": ""}]}, "is empty: is the environment variable set?"),
        ({"tokens": [{"token": " \n"}]}, "is empty: is the environment variable set?"),
        ({"tokens": [{"token": "Bearer h1dden"}]}, "Write the token alone, without the word"),
        ({"tokens": [{"token": "h1dd\x00en"}]}, "cannot stand in an HTTP header"),
        ({"tokens": [{"token": "sha256:h1dden"}]}, "is no SHA-256"),
        (
            {"tokens": [{"token": "h1dden"}, {"token": "h1dden"}]},
            "`tokens[1]` is `tokens[0]` again",
        ),
        ({"tokens": ["h1dden"]}, "valid dictionary"),
        ({"tokens": [{"token": "h1dden", "user": "a"}]}, "Extra inputs"),
        ({"basic": [{"username": "a", "password": ""}]}, "is empty"),
        ({"basic": [{"username": "", "password": "h1dden"}]}, "A username has neither"),
        ({"basic": [{"username": "a:b", "password": "h1dden"}]}, "A username has neither"),
        (
            {
                "basic": [
                    {"username": "a", "password": "h1dden"},
                    {"username": "a", "password": "b"},
                ]
            },
            "`basic[1]` is `basic[0]` again",
        ),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused_without_the_secret(
    config: Any, words: str
) -> None:
    with pytest.raises(ValidationError) as told:
        AuthConfig.model_validate(config)

    assert words in str(told.value)
    assert "h1dd" not in str(told.value)


def test_blanks_around_a_token_in_the_config_do_not_count() -> None:
    told = gate(tokens=[{"token": "of-alice\n", "user_id": "alice"}]).identify("Bearer of-alice")

    assert told == Identity(user_id="alice")


def test_a_secret_does_not_show_in_the_configs_texts() -> None:
    config = AuthConfig.model_validate({"tokens": [{"token": "h1dden"}], "basic": BASIC})

    texts = [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]

    assert [text for text in texts if "h1dden" in text or "pä:ss" in text] == []


def test_nothing_is_logged_when_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    gate(tokens=[{"token": "a-token-of-alice"}]).identify("Bearer a-token-of-alice")

    assert caplog.records == []


def test_tokens_that_can_be_guessed_are_warned_of_without_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate(tokens=[{"token": "of-alice"}, {"token": "a-token-of-somebody"}])

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("auth: 1 of the tokens have fewer than 16 characters")
    assert "alice" not in line
