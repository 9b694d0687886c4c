"""Ask a model over HTTP: the rim of the reviewer, and the only I/O of any processor.

A question becomes one request, and whatever comes of that a value: an answer, or why there is
none. The key goes into one header and nowhere else; no redirect is followed with it. What the
endpoint says of an error may repeat what it was sent, so it goes to the log alone.
"""

import asyncio
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

from .config import Config, is_loopback
from .question import Answer, Ask, Question, Refusal, Trouble

_MOST_BYTES = 1024 * 1024
"""No answer of so few tokens is longer."""
_MOST_DETAIL = 300

_OF_QUESTION = frozenset({400, 413, 422})
"""Statuses that are about what was sent (RFC 9110, section 15.5); all others are about us."""
_OF_NETWORK = {
    errno.ECONNREFUSED: "refuses the connection",
    errno.EHOSTUNREACH: "cannot be reached",
    errno.ENETUNREACH: "cannot be reached",
}
_PATHS = {"openai": "/chat/completions", "anthropic": "/messages"}
_ANTHROPIC_VERSION = "2023-06-01"
"""Of Anthropic's API; the header is asked for with every request."""


class _TooLongError(Exception):
    """The answer is longer than any answer can be."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Usage:
    """Tokens, as the one API or the other calls them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    content: str | None = None


@dataclass(frozen=True, slots=True)
class _Choice:
    message: _Message
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Completion:
    """An answer of OpenAI's chat completions."""

    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    type: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer of Anthropic's messages."""

    content: list[_Block]
    model: str | None = None
    usage: _Usage | None = None
    stop_reason: str | None = None


def asker(config: Config) -> Ask:
    """Give what asks the endpoint; nothing is opened before it is called."""

    def ask(question: Question) -> Answer | Refusal:
        try:
            reply = asyncio.run(_post(config, question))
        except TimeoutError:
            waited_s = config.timeout.total_seconds()
            reason = f"{config.host} gave no answer within {waited_s:g}s"
            return Refusal(Trouble.ENDPOINT, reason)
        except (aiohttp.ClientError, OSError) as error:
            return Refusal(Trouble.ENDPOINT, f"{config.host} {_in_the_way(error)}", str(error))
        except _TooLongError:
            return Refusal(Trouble.ANSWER, f"{config.host} answered at more length than it may")
        return _answer_in(reply, config)

    return ask


def url_of(config: Config) -> str:
    """Complete the base of an API, as its clients do; an address that is whole stays."""
    base, path = config.endpoint, _PATHS[config.api]
    if base.endswith(path):
        return base
    version = "/v1" if config.api == "anthropic" and not base.endswith("/v1") else ""
    return f"{base}{version}{path}"


def body_of(config: Config, question: Question) -> dict[str, Any]:
    """Give what is sent; `request` of the config has the last word."""
    asked = {"role": "user", "content": question.digest}
    told: dict[str, Any] = {"model": config.model, "max_tokens": config.max_tokens}
    if config.api == "anthropic":
        told |= {"system": question.instructions, "messages": [asked]}
    else:
        system = {"role": "system", "content": question.instructions}
        told |= {"messages": [system, asked], "response_format": {"type": "json_object"}}
    return {name: value for name, value in {**told, **config.request}.items() if value is not None}


async def _post(config: Config, question: Question) -> _Reply:
    timeout = aiohttp.ClientTimeout(total=config.timeout.total_seconds())
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(
            url_of(config),
            data=msgspec.json.encode(body_of(config, question)),
            headers=_headers(config),
            proxy=_proxy_of(config.endpoint),
            allow_redirects=False,
        ) as response,
    ):
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > _MOST_BYTES:
                raise _TooLongError
        return _Reply(response.status, bytes(body))


def _proxy_of(endpoint: str) -> str | None:
    """Give the proxy of the environment that leads there; none to this machine.

    aiohttp would look itself, and send what stands in a `.netrc` as well.
    """
    parts = urlsplit(endpoint)
    if is_loopback(endpoint) or proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _headers(config: Config) -> Mapping[str, str]:
    told = {"content-type": "application/json", "user-agent": "agentpond"}
    key = config.api_key.get_secret_value() if config.api_key else ""
    if config.api == "anthropic":
        told["anthropic-version"] = _ANTHROPIC_VERSION
    if key:
        named = config.api == "anthropic"
        told |= {"x-api-key": key} if named else {"authorization": f"Bearer {key}"}
    return told


def _in_the_way(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "is a name that nobody knows"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "shows no certificate that is trusted"
    number = error.errno if isinstance(error, OSError) else None
    return _OF_NETWORK.get(number or 0, "broke the connection off")


def _answer_in(reply: _Reply, config: Config) -> Answer | Refusal:
    if reply.status != HTTPStatus.OK:
        trouble = Trouble.QUESTION if reply.status in _OF_QUESTION else Trouble.ENDPOINT
        reason = f"{config.host} answered {_status(reply.status)}"
        return Refusal(trouble, reason, _said(reply.body, config))
    try:
        if config.api == "anthropic":
            return _of_anthropic(msgspec.json.decode(reply.body, type=_Told), config)
        return _of_openai(msgspec.json.decode(reply.body, type=_Completion), config)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = f"{config.host} answered nothing that is of the API `{config.api}`"
        return Refusal(Trouble.ANSWER, reason, str(error)[:_MOST_DETAIL])


def _of_openai(told: _Completion, config: Config) -> Answer | Refusal:
    first = told.choices[0] if told.choices else _Choice(_Message())
    usage = told.usage or _Usage()
    answer = Answer(
        first.message.content or "", told.model, usage.prompt_tokens, usage.completion_tokens
    )
    return _whole(answer, config, cut_off=first.finish_reason == "length")


def _of_anthropic(told: _Told, config: Config) -> Answer | Refusal:
    text = "".join(each.text for each in told.content if each.type == "text")
    usage = told.usage or _Usage()
    answer = Answer(text, told.model, usage.input_tokens, usage.output_tokens)
    return _whole(answer, config, cut_off=told.stop_reason == "max_tokens")


def _whole(answer: Answer, config: Config, *, cut_off: bool) -> Answer | Refusal:
    if cut_off:
        reason = f"its answer was cut off after {config.max_tokens} tokens (`max_tokens`)"
        return Refusal(Trouble.ANSWER, reason)
    if not answer.text.strip():
        return Refusal(Trouble.ANSWER, "its answer is empty")
    return answer


def _status(status: int) -> str:
    known = status in set(HTTPStatus)
    return f"{status} ({HTTPStatus(status).phrase})" if known else str(status)


def _said(body: bytes, config: Config) -> str:
    """Give the endpoint's own words, without the key if it repeats that."""
    text = body.decode("utf-8", "replace")[: 4 * _MOST_DETAIL]
    if config.api_key and config.api_key.get_secret_value():
        text = text.replace(config.api_key.get_secret_value(), "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MOST_DETAIL]
