"""What is refused by its head alone, and that nobody is asked for a body in vain."""

import asyncio

import pytest
from aiohttp import ClientSession

from ..support import JSON, PROTOBUF, Taker, connected, running
from .support import HEAD, LOGS, answer_of, asked, connections_of, message_of, until

WAITING = b"Expect: 100-continue\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"\r\n",
        HEAD.replace(b"/v1/logs", b"/") + b"\r\n",
        HEAD + b"Expect: 100-continue\r\n\r\n",
    ],
    ids=["logs", "root", "100-continue"],
)
async def test_a_post_without_a_length_is_asked_for_one(request_bytes: bytes) -> None:
    async with running(http={}) as service:
        answer = await asked(service, request_bytes)

        assert answer.status == 411
        assert "Content-Length" in answer.message
        assert answer.headers["connection"] == "close"
        assert service.refused == {"length_required": 1}


@pytest.mark.parametrize(
    "body", [b'{"resourceLogs": []}', b"a secret prompt", b"\x0a\x00"], ids=["json", "text", "pb"]
)
async def test_a_body_without_a_length_is_not_taken_for_a_next_request(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(http={}) as service:
        answer = await asked(service, HEAD + b"\r\n" + body)

        assert answer.status == 411
        assert answer.headers["content-type"] == "application/json"
        assert "Content-Length" in answer.message
        assert service.refused == {"length_required": 1}
        assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"a secret prompt\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\na secret prompt\r\n",
        HEAD + b"Content-Length: 0\r\nA secret: \x01prompt\r\n\r\n",
    ],
    ids=["line", "chunk", "header"],
)
async def test_what_cannot_be_read_is_not_repeated(
    request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(http={}) as service:
        answer = await asked(service, request_bytes)

        assert answer.status == 400
        assert "secret" not in answer.message + caplog.text


async def test_the_status_line_says_why_for_clients_that_show_nothing_else() -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        answer = await client.post("/v1/log", data=b"x", headers=PROTOBUF)

        assert answer.status == 404
        assert answer.reason is not None
        assert answer.reason.startswith("Not Found: /v1/log: no such path. Did you mean /v1/logs?")


async def test_an_offer_to_speak_http_2_is_declined_and_the_request_taken() -> None:
    # As Java's own client and `curl --http2` offer it with each first request (RFC 7540, 3.2).
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    )
    request = HEAD + offer + b"Content-Length: 2\r\n\r\n{}"
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(request)
        first = await answer_of(reader)
        writer.write(request[:-2])
        writer.write(request[-2:])
        second = await answer_of(reader)

        assert (first.status, second.status) == (200, 200)
        assert service.take.bodies == [b"{}", b"{}"]


async def test_a_body_in_chunks_of_one_byte_is_taken() -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"resourceLogs": []}')
    async with running(http={}) as service:
        answer = await asked(
            service, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        )

        assert answer.status == 200
        assert service.take.bodies == [b'{"resourceLogs": []}']


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("application/x-www-form-urlencoded", "curl -d"),
        ("Application/X-WWW-Form-Urlencoded; charset=utf-8", "curl -d"),
        ("multipart/form-data; boundary=x", "--data-binary"),
        ("text/plain;charset=UTF-8", "fetch()"),
        ("application/xml", "application/xml is not taken here"),
    ],
)
async def test_a_wrong_content_type_is_told_where_it_may_come_from(
    content_type: str, words: str
) -> None:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"x", headers=headers)

        message = await message_of(response)
        assert response.status == 415
        assert words in message
        assert "application/x-protobuf or application/json" in message
        assert service.refused == {"bad_content_type": 1}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD.replace(b"/v1/logs", b"/v1/log"), 404),
        (HEAD.replace(b"POST", b"PUT"), 405),
        (HEAD.replace(b"application/json", b"text/plain"), 415),
        (HEAD.replace(b"localhost", b"evil.example"), 403),
        (HEAD + b"Origin: https://evil.example\r\n", 403),
        (HEAD + b"Content-Encoding: zstd\r\n", 415),
    ],
    ids=["path", "method", "type", "host", "origin", "encoding"],
)
async def test_who_is_refused_is_not_asked_for_his_body(head: bytes, status: int) -> None:
    async with running(http={}) as service:
        answer = await asked(service, head + WAITING + b"Content-Length: 2\r\n\r\n")

        assert answer.status == status
        assert answer.headers["connection"] == "close"
        assert sum(service.refused.values()) == 1


async def test_a_stranger_is_not_asked_for_his_body() -> None:
    auth = {"tokens": [{"token": "a-token-that-is-long"}]}
    async with running(http={}, auth=auth) as service:
        answer = await asked(service, HEAD + WAITING + b"Content-Length: 2\r\n\r\n")

        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert service.refused == {"unauthenticated": 1}


async def test_who_would_have_to_wait_is_not_asked_for_his_body() -> None:
    may_end = asyncio.Event()
    take = Taker(wait=may_end.wait)
    async with (
        running(take, http={}, max_requests_in_hand=1) as service,
        ClientSession(service.http) as client,
    ):
        first = asyncio.ensure_future(client.post("/v1/logs", data=b"{}", headers=JSON))
        await take.began.wait()
        answer = await asked(service, HEAD + WAITING + b"Content-Length: 2\r\n\r\n")
        may_end.set()
        await first

        assert answer.status == 503


async def test_who_has_a_token_is_known_by_it() -> None:
    auth = {"tokens": [{"token": "a-token-that-is-long", "user_id": "ada"}]}
    headers = {**JSON, "Authorization": "Bearer a-token-that-is-long"}
    async with running(http={}, auth=auth) as service, ClientSession(service.http) as client:
        response = await client.post("/v1/logs", data=b"{}", headers=headers)

        assert response.status == 200
        (request,) = service.take.requests
        assert request.identity is not None
        assert request.identity.user_id == "ada"


async def test_a_refused_body_may_be_sent_to_its_end_and_the_connection_used_again() -> None:
    big = 8 * 1024 * 1024
    async with running(http={}) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD.replace(b"application/json", b"text/plain"))
        writer.write(b"Content-Length: %d\r\n\r\n" % big)
        for _ in range(8):
            writer.write(bytes(big // 8))
            await writer.drain()
        refused = await answer_of(reader)
        writer.write(LOGS)
        taken = await answer_of(reader)

        assert (refused.status, taken.status) == (415, 200)


async def test_who_is_refused_and_sends_on_too_slowly_is_cut_off() -> None:
    config = {"read_timeout_s": 0.1}
    async with running(http=config) as service, connected(service.http) as (reader, writer):
        writer.write(HEAD.replace(b"application/json", b"text/plain"))
        writer.write(b"Content-Length: 100\r\n\r\nhalf")
        answer = await answer_of(reader)
        rest = await reader.read()

        assert (answer.status, rest) == (415, b"")


async def test_who_goes_while_his_body_is_thrown_away_leaves_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(http={}) as service:
        async with connected(service.http) as (reader, writer):
            writer.write(HEAD + b"Content-Length: 100000000\r\n\r\nhalf")
            await answer_of(reader)
        await until(lambda: not connections_of(service))

        assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("path", ["/v1/logs/", "//v1/logs", "/v1/logs?a=b", "/v1/logs/?a=b"])
async def test_slashes_and_queries_do_not_keep_anybody_out(path: str) -> None:
    async with running(http={}) as service:
        answer = await asked(service, LOGS.replace(b"/v1/logs", path.encode()))

        assert answer.status == 200
        assert service.take.bodies == [b"{}"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/log", "Did you mean /v1/logs?"),
        ("/v1/logs/v1/logs", "leave the path out of it"),
        ("/v1development/profiles", "Profiles are not taken here"),
    ],
)
async def test_a_lost_path_is_told_the_right_one(path: str, words: str) -> None:
    async with running(http={}) as service, ClientSession(service.http) as client:
        response = await client.post(path, data=b"x", headers=PROTOBUF)

        assert response.status == 404
        assert words in await message_of(response)


@pytest.mark.parametrize(
    ("request_bytes", "status", "words"),
    [
        (b"CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "no such path"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "no such path"),
        (b"GET /v1/logs HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "takes POST only"),
        (b"GET /v1/logs/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "takes POST only"),
        (b"OPTIONS /v1/logs HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "takes POST only"),
        (b"POST /%0a%zz/v1/log HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "Did you mean"),
        (LOGS.replace(b"HTTP/1.1", b"HTTP/3.0"), 505, "HTTP/1.1 here"),
        (LOGS.replace(b"Host: localhost\r\n", b""), 400, "Host"),
    ],
    ids=["CONNECT", "*", "GET", "GET/", "OPTIONS", "odd", "version", "no host"],
)
async def test_what_is_no_export_is_told_so(request_bytes: bytes, status: int, words: str) -> None:
    async with running(http={}) as service:
        answer = await asked(service, request_bytes)

        assert answer.status == status
        assert words in answer.message
        assert sum(service.refused.values()) == 1
