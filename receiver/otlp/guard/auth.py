"""Turn an Authorization header into who sends, or refuse it in words."""

import base64
import binascii
import hmac
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from ....pipeline.core.errors import Permanent
from ....pipeline.core.signal import Identity
from .tokens import (
    FIELDS,
    Token,
    TokenFile,
    digest,
    expected_digest,
    identity_of,
    why_no_secret,
    why_no_token,
)

# ``hide_input_in_errors`` keeps secrets out of what pydantic says when a model is made in Python.
_STRICT = ConfigDict(
    extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
)

_BEARER = "Bearer <token>"
_LONG_CHARACTERS = 16
_BASIC = "Basic <base64 of username:password>"


def _usable_token(token: SecretStr) -> SecretStr:
    why = why_no_token(token.get_secret_value())
    if why:
        raise ValueError(why)
    return SecretStr(token.get_secret_value().strip())


def _usable_password(password: SecretStr) -> SecretStr:
    why = why_no_secret(password.get_secret_value())
    if why:
        raise ValueError(why)
    return password


def _usable_username(username: str) -> str:
    if not username or ":" in username:
        # RFC 7617, section 2: the first colon ends the name.
        msg = "is empty or has a colon in it. A username has neither."
        raise ValueError(msg)
    return username


class TokenConfig(BaseModel):
    """A bearer token, and whose it is."""

    model_config = _STRICT

    token: Annotated[SecretStr, AfterValidator(_usable_token)]
    """The token, best as `${env:NAME}`; or `sha256:<hex>`, the hash of a long random one."""
    user_id: str = ""
    """Who sends with it; wins over what the records say, as the next three do."""
    user_email: str = ""
    """The sender's address."""
    organization_id: str = ""
    """The sender's organization."""
    team: str = ""
    """The sender's team."""


class BasicConfig(BaseModel):
    """A name with a password, and whose they are."""

    model_config = _STRICT

    username: Annotated[str, AfterValidator(_usable_username)]
    """The name; also the `user_id` unless that is given."""
    password: Annotated[SecretStr, AfterValidator(_usable_password)]
    """The password, best as `${env:NAME}`; or `sha256:<hex>`, the hash of a long random one."""
    user_id: str = ""
    """Who sends with it; wins over what the records say, as the next three do."""
    user_email: str = ""
    """The sender's address."""
    organization_id: str = ""
    """The sender's organization."""
    team: str = ""
    """The sender's team."""


class AuthConfig(BaseModel):
    """Who may send."""

    model_config = _STRICT

    tokens: tuple[TokenConfig, ...] = ()
    """Bearer tokens: `{token: ..., user_id:, user_email:, organization_id:, team:}` each."""
    tokens_file: Path | None = None
    """A file with a token a line (`<token> user_id=alice`), read again when it changes."""
    basic: tuple[BasicConfig, ...] = ()
    """Names with passwords: `{username: ..., password: ...}` and what a token may have."""

    @model_validator(mode="after")
    def _let_somebody_in(self) -> Self:
        if not (self.tokens or self.tokens_file or self.basic):
            msg = "names nobody. Add `tokens`, `tokens_file` or `basic`, or leave `auth` out."
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _name_each_once(self) -> Self:
        _each_once("tokens", [token.digest for token in _bearers(self)])
        _each_once("basic", [each.username for each in self.basic])
        return self


def _each_once(option: str, keys: list[Any]) -> None:
    for at, key in enumerate(keys):
        if key in keys[:at]:
            first = keys.index(key)
            msg = f"`{option}[{at}]` is `{option}[{first}]` again. Keep one of the two."
            raise ValueError(msg)


class Gate:
    """Knows senders by the secrets they show."""

    def __init__(
        self,
        config: AuthConfig | None,
        logger: logging.Logger,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know who may send. Raises Permanent if the file of tokens cannot be used.

        Without a config everybody may.
        """
        self._open = config is None
        short = [each for each in (config.tokens if config else ()) if _is_short(each)]
        if short:
            logger.warning(
                "auth: %d of the tokens have fewer than %d characters and can be guessed. "
                "Make long ones: openssl rand -hex 32",
                len(short),
                _LONG_CHARACTERS,
            )
        self._tokens = () if config is None else _bearers(config)
        self._basic = () if config is None else tuple(_basic(each) for each in config.basic)
        path = None if config is None else config.tokens_file
        self._file = TokenFile(path, logger, clock_s) if path is not None else None

    @property
    def open(self) -> bool:
        """Tell whether anybody may send."""
        return self._open

    def identify(self, authorization: str | None) -> Identity | None:
        """Give who sends; None if nothing is said of him, or anybody may send.

        Raises:
            Permanent: nobody we know (``unauthenticated``).

        """
        if self._open:
            return None
        scheme, _, secret = (authorization or "").strip().partition(" ")
        known, shown = self._of_scheme(scheme.lower(), secret.strip())
        # A secret that is written in two places is that of the first.
        found: Token | None = None
        for token in known:
            # All are compared, and the place of the right one does not show in the time it takes.
            if hmac.compare_digest(token.digest, shown) and found is None:
                found = token
        if found is None:
            raise self._refusal(scheme, secret)
        return found.identity

    def _of_scheme(self, scheme: str, secret: str) -> tuple[tuple[Token, ...], bytes]:
        """Give whom a scheme may show, and the digest of what it shows."""
        if scheme == "bearer" and secret:
            return self._bearer_tokens(), digest(secret)
        if scheme == "basic" and secret:
            return self._basic, _digest_of_basic(secret)
        return (), b""

    def _bearer_tokens(self) -> tuple[Token, ...]:
        return self._tokens if self._file is None else (*self._tokens, *self._file.tokens())

    def _refusal(self, scheme: str, secret: str) -> Permanent:
        """Say what is wrong; not what was sent, for it may be a token with a slip in it."""
        schemes = self._schemes()
        if not scheme:
            why = "none given"
        elif "%20" in scheme:
            why = "the blank is written as %20, which is for environment variables only"
        elif scheme.lower() not in [each.partition(" ")[0].lower() for each in schemes]:
            why = "of a scheme that is not taken here"
        elif not secret.strip():
            why = "nothing follows the scheme (is a variable not set?)"
        else:
            why = "not known here"
        # As in a URL: OpenTelemetry, "Specifying headers via environment variables".
        in_variable = schemes[0].replace(" ", "%20", 1)
        return Permanent(
            f"Authorization: {why}. Send {' or '.join(schemes)}: in Claude Code set "
            f'OTEL_EXPORTER_OTLP_HEADERS="Authorization={in_variable}", in Codex write '
            f'headers = {{ Authorization = "{schemes[0]}" }} into the exporter of config.toml.',
            reason="unauthenticated",
        )

    def _schemes(self) -> list[str]:
        bearer = [_BEARER] if self._tokens or self._file is not None else []
        return [*bearer, _BASIC] if self._basic else bearer


def _is_short(config: TokenConfig) -> bool:
    return len(config.token.get_secret_value()) < _LONG_CHARACTERS


def _bearers(config: AuthConfig) -> tuple[Token, ...]:
    return tuple(
        Token(expected_digest(each.token.get_secret_value()), _identity(each))
        for each in config.tokens
    )


def _basic(config: BasicConfig) -> Token:
    password = expected_digest(config.password.get_secret_value())
    return Token(_joined(config.username, password), _identity(config, config.username))


def _identity(config: TokenConfig | BasicConfig, user_id: str = "") -> Identity | None:
    told = {name: str(getattr(config, name)) for name in FIELDS}
    return identity_of({**told, "user_id": config.user_id or user_id})


def _joined(username: str, password_digest: bytes) -> bytes:
    """Make one digest of both, so that neither is compared alone."""
    return digest(f"{username}:{password_digest.hex()}")


def _digest_of_basic(credentials: str) -> bytes:
    """Hash what ``Basic`` shows (RFC 7617); what is no base64 is like no secret."""
    try:
        text = base64.b64decode(credentials.encode("utf-8", "replace"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return b""
    username, _, password = text.partition(":")
    return _joined(username, digest(password))
