"""Say what a user can set about the reviewer: whom to ask, what to send, when and how often."""

import ipaddress
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, ByteSize, ConfigDict, Field, SecretStr, model_validator

from ...durations import Duration
from ...session.cadence import SessionConfig, version_of

_MOMENT = timedelta(0)
_SECOND = timedelta(seconds=1)
_KIB = 1024

_SHAPING = frozenset({"endpoint", "api", "model", "prompts", "max_digest", "max_tokens", "request"})
"""The options that rows depend on; the others say when, how often and with what key to ask."""


def _usable_endpoint(endpoint: str) -> str:
    # No message repeats the address: whoever puts a key into it must not find it in a log.
    parts = urlsplit(endpoint)
    plain = endpoint.isprintable() and " " not in endpoint
    if parts.scheme not in {"http", "https"} or not plain or not _is_host(parts.hostname):
        msg = "expected the base of an API, such as `https://api.openai.com/v1`."
        raise ValueError(msg)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        msg = "holds more than an address. Put the key into `api_key`, and leave out `?` and `#`."
        raise ValueError(msg)
    if _port(parts) == 0:
        msg = "has a port that is no number from 1 to 65535."
        raise ValueError(msg)
    return endpoint.rstrip("/")


def _is_host(name: str | None) -> bool:
    try:
        return bool(name) and bool(str(name).encode("idna"))
    except UnicodeError:
        return False


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return 0


def _usable_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        # It becomes a header: RFC 9110, section 5.5.
        msg = "has characters that no key has (blanks, control characters, other than ASCII)."
        raise ValueError(msg)
    return SecretStr(text)


def is_loopback(endpoint: str) -> bool:
    """Tell whether an endpoint is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Config(SessionConfig):
    """Have a language model review sessions; the one processor that does I/O."""

    # ``hide_input_in_errors`` keeps the key out of what pydantic says when made in Python.
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    endpoint: Annotated[str, AfterValidator(_usable_endpoint)]
    """The base of the API, as its clients are told it: `https://api.openai.com/v1`,
    `https://api.anthropic.com`, `http://127.0.0.1:11434/v1`."""

    model: Annotated[str, Field(min_length=1)]
    """The model to ask, as the endpoint names it."""

    api: Literal["openai", "anthropic"] = "openai"
    """What the endpoint speaks: OpenAI's chat completions, or Anthropic's messages."""

    api_key: Annotated[SecretStr, AfterValidator(_usable_key)] | None = None
    """The key of the API, best as `${env:NAME}`; none where the endpoint asks for none."""

    insecure: bool = False
    """Whether an endpoint on another machine may be spoken to without TLS."""

    prompts: bool = False
    """Whether to send what people and programs wrote: the beginning of each prompt, of each error
    its template, an example, the command and how it was mended, and the messages of insights."""

    quiet_for: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(minutes=15)
    """A session is reviewed when nothing was heard of it for so long; longer than
    `stalled_after` of `turns`, so that it is told what became of its turns."""

    max_age: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(days=1)
    """A session of which nothing was heard for longer than that is not reviewed any more."""

    min_api_calls: Annotated[int, Field(ge=1)] = 3
    """Sessions with fewer calls of the model are not reviewed."""

    at_most: Annotated[int, Field(ge=1)] = 4
    """So many sessions are reviewed in one go, those first that were heard of last; the others
    wait for their turn, so many after each `every`."""

    every: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(minutes=1)
    """At most so long from the beginning of one run to that of the next, while there is work."""

    settle: Annotated[Duration, Field(ge=_MOMENT)] = timedelta(seconds=30)
    """How long a session must be quiet before it is looked at; none waits longer than thrice
    that."""

    retry_after: Annotated[Duration, Field(ge=_SECOND)] = timedelta(minutes=10)
    """How long to wait before asking again when no review came."""

    timeout: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(seconds=60)
    """How long to wait for an answer, from connecting to its last byte."""

    max_digest: Annotated[ByteSize, Field(ge=16 * _KIB)] = ByteSize(24 * _KIB)
    """The largest digest of a session to send; of a longer one the most telling rows are sent."""

    max_tokens: Annotated[int, Field(ge=64)] = 2000
    """The longest answer to ask for, in tokens; models that reason spend them on that too."""

    request: dict[str, Any] = Field(default_factory=dict)
    """Members for the request's body, which win over ours; one that is null leaves ours out."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.endpoint.startswith("http:") and not (self.insecure or is_loopback(self.endpoint)):
            msg = "would be sent digests that everybody on the way can read. Use https, or say "
            msg += "`insecure: true` where nobody else is on the way."
            raise ValueError(msg)
        if self.max_age <= self.quiet_for:
            msg = "has a `max_age` that is no longer than `quiet_for`: nothing would be reviewed."
            raise ValueError(msg)
        return self

    @property
    def host(self) -> str:
        """The endpoint's host and port, as people are told them."""
        return urlsplit(self.endpoint).netloc

    def version(self, code: int) -> str:
        """Name the processor's version; the key, times and numbers of sessions are not in it."""
        usual = {
            name: field.get_default(call_default_factory=True, validated_data={})
            for name, field in type(self).model_fields.items()
            if name not in _SHAPING
        }
        return version_of(code, self.model_copy(update=usual))
