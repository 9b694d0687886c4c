"""Web pages: kept out unless they are named, and able to read their answers if they are."""

import pytest
from aiohttp import ClientSession, web

from agentpond.receiver.otlp import Config, OtlpReceiver

from ..support import JSON, Taker, running, settings
from .support import config_of, message_of

APP = "https://app.example"
CORS = {"cors": {"allowed_origins": [APP], "allowed_headers": ["X-Tenant"], "max_age": 60}}
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type, x-tenant",
}


async def test_a_page_may_not_send_unless_it_is_named() -> None:
    headers = {**JSON, "Origin": APP}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert response.status == 403
        assert "cors.allowed_origins" in await message_of(response)
        assert "Access-Control-Allow-Origin" not in response.headers
        assert service.refused == {"forbidden_origin": 1}
        assert service.take.bodies == []


async def test_a_page_that_is_named_sends_and_reads_the_answer() -> None:
    headers = {**JSON, "Origin": APP}
    async with running(http=CORS) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/v1/log", JSON, 404), ("/v1/logs", {"Content-Type": "text/plain"}, 415)],
)
async def test_a_page_that_is_named_can_read_why_it_is_refused(
    path: str, headers: dict[str, str], status: int
) -> None:
    async with running(http=CORS) as service, ClientSession(service.http) as client:
        response = await client.post(path, data=b"x", headers={**headers, "Origin": APP})

        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == APP


async def test_a_preflight_is_answered_without_a_body() -> None:
    async with running(http=CORS) as service, ClientSession(service.http) as client:
        response = await client.options("/v1/logs", headers=PREFLIGHT)

        assert (response.status, await response.read()) == (204, b"")
        assert response.headers["Access-Control-Allow-Origin"] == APP
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        assert response.headers["Access-Control-Allow-Headers"] == "content-type, x-tenant"
        assert response.headers["Access-Control-Max-Age"] == "60"
        assert service.refused == {}


async def test_a_preflight_needs_no_token() -> None:
    auth = {"tokens": [{"token": "a-token-that-is-long"}]}
    async with running(http=CORS, auth=auth) as service, ClientSession(service.http) as client:
        response = await client.options("/v1/logs", headers=PREFLIGHT)

        assert response.status == 204


@pytest.mark.parametrize("config", [{}, CORS])
async def test_the_preflight_of_a_page_that_is_not_named_is_refused(
    config: dict[str, object],
) -> None:
    headers = {**PREFLIGHT, "Origin": "https://evil.example"}
    async with running(http=config) as service, ClientSession(service.http) as client:
        response = await client.options("/v1/logs", headers=headers)

        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_name_that_is_not_ours_is_refused() -> None:
    headers = {**JSON, "Host": "rebound.example"}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert response.status == 403
        assert "allowed_hosts" in await message_of(response)
        assert service.refused == {"forbidden_host": 1}


async def test_a_name_that_is_allowed_is_ours() -> None:
    config = {"allowed_hosts": ["pond.example"]}
    headers = {**JSON, "Host": "pond.example:4318"}
    async with running(http=config) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert response.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "any.example"}, 200),
        ({"Host": "any.example", "Origin": "http://any.example"}, 200),
        ({"Host": "any.example", "Origin": "http://evil.example"}, 403),
    ],
    ids=["any name", "its own page", "another's page"],
)
async def test_mounted_the_name_is_the_hosts_business_and_the_page_is_ours(
    headers: dict[str, str], status: int
) -> None:
    take, host = Taker(), web.Application()
    receiver = OtlpReceiver(
        Config.model_validate(config_of(allowed_hosts=["a.example"])), settings()
    )
    host.add_subapp("/otlp", receiver.http_app(take))
    runner = web.AppRunner(host)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async with ClientSession(f"http://127.0.0.1:{site.port}") as client:
        response = await client.post("/otlp/v1/logs", data=b"{}", headers={**JSON, **headers})
    await runner.cleanup()

    assert response.status == status
