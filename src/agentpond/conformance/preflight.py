"""Find out whether an endpoint can be tried at all, and say in words what is in the way."""

import asyncio
import ssl
from dataclasses import replace

from . import telemetry
from .lines_grpc import GrpcLine
from .lines_http import HttpLine
from .model import (
    Answer,
    Compression,
    GrpcAnswer,
    HttpAnswer,
    Shot,
    Silence,
    Transport,
    Wanted,
)
from .target import Target

_TRANSPORTS = {HttpLine: Transport.PROTOBUF, GrpcLine: Transport.GRPC}
_NOT_YOU = {401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"}


class Unreachable(Exception):
    """An endpoint cannot be tried; says why and what to do."""


async def reach(
    target: Target, line: HttpLine | GrpcLine, wanted: Wanted, timeout_s: float
) -> None:
    """Send one empty request. Raises Unreachable if nothing is there that could be judged."""
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _first(line, wanted)
    except TimeoutError as error:
        raise Unreachable(_nothing(target, f"no answer within {timeout_s:g} s")) from error
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(_nothing(target, _reason(error))) from error
    if isinstance(answer, Silence):
        raise Unreachable(_nothing(target, answer.why))
    if _status(answer) in _NOT_YOU and not wanted.busy:
        raise Unreachable(
            f"{target} asks who you are ({_status(answer)}). Give its token: "
            f"--header 'Authorization: Bearer ...'."
        )


async def _first(line: HttpLine | GrpcLine, wanted: Wanted) -> Answer:
    transport = _TRANSPORTS[type(line)]
    signal = wanted.signals[0]
    shot = Shot("an empty request", signal, transport, Compression.NONE, lambda: b"")
    if isinstance(line, GrpcLine):
        await line.connect()
        return await line.send(shot)
    message = telemetry.whole(signal, wanted.at_ns)
    whole = replace(shot, body=message.SerializeToString)
    head, body = line.request(whole)
    async with line.open() as connection:
        return await connection.exchange([head + body])


def _status(answer: Answer) -> int | str:
    if isinstance(answer, HttpAnswer):
        return answer.status
    return answer.code if isinstance(answer, GrpcAnswer) else ""


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}; name yours with --ca-file"
    return error.strerror or str(error)


def _nothing(target: Target, why: str) -> str:
    other = {"http": "https", "https": "http", "grpc": "grpcs", "grpcs": "grpc"}[target.scheme]
    kind = "gRPC" if target.scheme.startswith("grpc") else "HTTP/1.1"
    return (
        f"{target}: nothing there that speaks {kind}: {why}. Start the receiver, name another "
        f"endpoint, or write {other}:// if the port {'has no' if target.tls else 'has'} TLS."
    )
