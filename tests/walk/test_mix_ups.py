"""One signal sent as another is refused over every transport, with words that help."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import grpc
import pytest
from google.rpc.status_pb2 import Status

from agentpond.pipeline.core.signal import Encoding, Request, Signal

from ..receiver.build import request
from ..receiver.test_tell import ONE_OF_EACH
from ..receiver.wire.otlp_json import Writing, to_json
from .senders import TYPES, send_grpc
from .served import Served, rows

MIX_UPS = [(held, came) for held in Signal for came in Signal if held is not came]
SERVICES = {"logs": "LogsService", "metrics": "MetricsService", "traces": "TraceService"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("mix-ups")) as served:
        yield served


def mixed_up(held: Signal, came: Signal, encoding: Encoding = Encoding.PROTOBUF) -> Request:
    told = replace(request(ONE_OF_EACH[held]), signal=came)
    if encoding is Encoding.PROTOBUF:
        return told
    return replace(told, encoding=encoding, body=to_json(ONE_OF_EACH[held], Writing()))


def words(held: Signal, came: Signal) -> str:
    return (
        f"the body holds {held}, but came as {came}. Send it to /v1/{held} "
        f"(OTEL_EXPORTER_OTLP_{held.upper()}_ENDPOINT), or call {SERVICES[held]}."
    )


async def over_http(address: str, sent: Request) -> tuple[int, str]:
    url, headers = f"http://{address}/v1/{sent.signal}", {"Content-Type": TYPES[sent.encoding]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=sent.body, headers=headers) as answer,
    ):
        body = await answer.read()
        if sent.encoding is Encoding.JSON:
            return answer.status, json.loads(body)["message"]
        return answer.status, Status.FromString(body).message


async def over_grpc(address: str, sent: Request) -> tuple[grpc.StatusCode, str | None]:
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await send_grpc(channel, sent)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details()
    return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("held", "came"), MIX_UPS)
def test_over_http_it_is_answered_400(
    service: Served, held: Signal, came: Signal, encoding: Encoding
) -> None:
    answer = asyncio.run(over_http(service.http, mixed_up(held, came, encoding)))

    assert answer == (400, words(held, came))


@pytest.mark.parametrize(("held", "came"), MIX_UPS)
def test_over_grpc_it_is_answered_invalid_argument(
    service: Served, held: Signal, came: Signal
) -> None:
    answer = asyncio.run(over_grpc(service.grpc, mixed_up(held, came)))

    assert answer == (grpc.StatusCode.INVALID_ARGUMENT, words(held, came))


def test_nothing_of_it_is_stored(tmp_path: Path) -> None:
    with Served(tmp_path) as service:
        for held, came in MIX_UPS:
            asyncio.run(over_grpc(service.grpc, mixed_up(held, came)))
        service.stop()

    assert rows(tmp_path, "SELECT count(*) FROM events") == [(0,)]
