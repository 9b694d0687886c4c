"""The suite finds what is wrong with receivers that are wrong on purpose, and never breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from agentpond.conformance import Outcome, Result, Signal, Suite, Unreachable, Wanted, run, targets
from agentpond.conformance.reports import outcome as outcome_of

from .support import answering, failures, outcomes, response

PROTOBUF = "application/x-protobuf"


def rejecting(count: int) -> bytes:
    """Write a partial success; rejected_spans and rejected_log_records have the same number."""
    told = logs_service_pb2.ExportLogsPartialSuccess(rejected_log_records=count)
    answer = logs_service_pb2.ExportLogsServiceResponse(partial_success=told)
    return answer.SerializeToString()


EMPTY_PARTIAL = rejecting(0)
ONE_REJECTED = rejecting(1)


async def tried(endpoint: str, timeout_s: float = 2.0, **wanted: Any) -> list[Result]:
    told = {"signals": (Signal.LOGS,), "max_request_bytes": 10_000, **wanted}
    return await run(Suite(targets([endpoint]), Wanted(**told), timeout_s=timeout_s))


@pytest.mark.parametrize(
    ("answer", "rule", "word"),
    [
        (response("202 Accepted", b"", PROTOBUF), 28, "should be 200"),
        (response("200 OK", b"", PROTOBUF), 2, "should be refused"),
        (response("200 OK", b"", PROTOBUF), 3, "should be 413"),
        (response("200 OK", b"x" * (4 * 1024**2 + 1), PROTOBUF), 4, "at most 4 MiB"),
        (response("200 OK", EMPTY_PARTIAL, PROTOBUF), 5, "unset, not all-default"),
        (response("200 OK", b"all is well", PROTOBUF), 5, "not a protobuf"),
        (response("200 OK", ONE_REJECTED, PROTOBUF), 5, "nothing is wrong"),
        (response("200 OK", ONE_REJECTED, PROTOBUF), 1, "taken whole: 1 rejected"),
        (response("200 OK", ONE_REJECTED, PROTOBUF), 40, "taken whole: 1 rejected"),
        (response("200 OK", EMPTY_PARTIAL, PROTOBUF), 9, "neither count nor words"),
        (response("200 OK"), 26, "not none"),
        (response("200 OK", b"", "text/plain"), 26, "not text/plain"),
        (response("200 OK", b"", PROTOBUF), 30, "should be 400"),
        (response("200 OK", b"", PROTOBUF), 33, "should be 404"),
        (response("200 OK", b"", PROTOBUF), 34, None),
        (response("200 OK", b"{}", "application/json"), 35, "refused or rejected"),
        (response("200 OK", b"{}", "application/json"), 37, "should warn"),
        (response("400 Bad Request", b"", PROTOBUF), 1, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 6, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 13, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 23, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 24, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 36, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 38, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 39, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 44, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 45, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 46, "should be taken"),
        (response("400 Bad Request", b"", PROTOBUF), 29, "is empty"),
        (response("400 Bad Request", b"no", "text/plain"), 29, "not a protobuf Status"),
        (response("400 Bad Request", b"no", "text/plain"), 29, "not a JSON Status"),
        (response("400 Bad Request", b"no", "text/plain"), 30, "should hold BadRequest"),
        (response("404 Not Found", b"", PROTOBUF), 22, "should not be 404"),
        (response("500 Oops", b"", PROTOBUF), 32, "should not be a 5xx"),
        (response("500 Oops", b"", PROTOBUF), 43, "should not be a 5xx"),
    ],
)
async def test_a_wrong_answer_fails_its_rule(answer: bytes, rule: int, word: str | None) -> None:
    signal = {34: Signal.TRACES, 43: Signal.METRICS}.get(rule, Signal.LOGS)
    async with answering(answer) as endpoint:
        found = await tried(endpoint, signals=(signal,), rules=frozenset({rule}))

    assert any((word or "should be refused") in line for line in failures(found, rule)), found


@pytest.mark.parametrize(
    ("signal", "rule"), [(Signal.TRACES, 41), (Signal.METRICS, 42)], ids=["spans", "points"]
)
async def test_who_takes_invalid_items_is_found(signal: Signal, rule: int) -> None:
    async with answering(response("200 OK", b"", PROTOBUF)) as endpoint:
        found = await tried(endpoint, signals=(signal,), rules=frozenset({rule}))

    assert any("should reject 2, not 0" in line for line in failures(found))


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "should be 2 rejected, not 1"), (3, "should be 2 rejected, not 3")],
)
async def test_a_wrong_count_is_found(count: int, words: str) -> None:
    async with answering(response("200 OK", rejecting(count), PROTOBUF)) as endpoint:
        found = await tried(endpoint, signals=(Signal.TRACES,), rules=frozenset({7, 8}))

    assert any(words in line for line in failures(found, 7))
    assert any("should say why in words" in line for line in failures(found, 8))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02 this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 103 Early\r\n\r\n",
    ],
    ids=["nothing", "no HTTP", "cut", "negative length", "bad chunk", "only interim"],
)
async def test_what_is_no_http_is_told_in_words_before_any_case(answer: bytes) -> None:
    async with answering(answer) as endpoint:
        with pytest.raises(Unreachable, match="nothing there that speaks HTTP"):
            await tried(endpoint)


@pytest.mark.parametrize(
    "body",
    [b"\xff" * 30, b'{"message": 5}', b"[]", b"null", b"\x12\x00", b"{", b'{"details": [{}]}'],
)
@pytest.mark.parametrize("status", ["200 OK", "400 Bad", "302 Found", "503 Wait"])
@pytest.mark.parametrize("kind", [PROTOBUF, "application/json", "; ;"])
async def test_no_answer_breaks_the_suite(status: str, body: bytes, kind: str) -> None:
    async with answering(response(status, body, kind)) as endpoint:
        found = await tried(endpoint, quick=True, rules=frozenset({1, 5, 7, 9, 29, 30, 31}))

    assert failures(found)


async def test_who_never_answers_is_given_up() -> None:
    async with answering(b"", close=False) as endpoint:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            await tried(endpoint, timeout_s=0.2)


async def test_who_stops_answering_costs_the_rest_no_time() -> None:
    # One answer gets it past the first look; then it hangs.
    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        await reader.readuntil(b"\r\n\r\n")
        if seen == 1:
            writer.write(response("200 OK", b"", PROTOBUF))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await tried(
            f"http://127.0.0.1:{port}", timeout_s=0.1, quick=True, rules=frozenset({5, 6, 28})
        )

    assert outcomes(found, 6) == {Outcome.FAIL}
    assert {each.came for each in found if each.rule == 6} == {"no answer within 0.1 s"}


@asynccontextmanager
async def grpc_answering(code: int | None, *details: Any) -> AsyncIterator[str]:
    """Answer every call in the same way: with success, or with a code and details."""

    class Same(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in stubs only
        def service(self, _: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(answer)

    async def answer(_: bytes, context: Any) -> bytes:
        if code is None:
            return b""
        status = status_pb2.Status(code=code, message="no")
        for each in details:
            status.details.add().Pack(each)
        if details:
            name = "grpc-status-details-bin"
            context.set_trailing_metadata([(name, status.SerializeToString())])
        await context.abort(next(c for c in grpc.StatusCode if c.value[0] == code), "no")
        raise AssertionError

    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Same()])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        await server.stop(0)


@pytest.mark.parametrize(
    ("code", "rule", "word"),
    [
        (None, 2, "should be refused"),
        (None, 17, "should be INVALID_ARGUMENT"),
        (code_pb2.UNKNOWN, 20, "should not be UNKNOWN"),
        (code_pb2.UNAVAILABLE, 18, "should not be"),
        (code_pb2.UNIMPLEMENTED, 14, "should not be UNIMPLEMENTED"),
        (code_pb2.INTERNAL, 15, "should be taken"),
        (code_pb2.INTERNAL, 3, "should be RESOURCE_EXHAUSTED"),
    ],
)
async def test_a_wrong_grpc_answer_fails_its_rule(code: int | None, rule: int, word: str) -> None:
    async with grpc_answering(code) as endpoint:
        found = await tried(endpoint, rules=frozenset({rule}))

    assert any(word in line for line in failures(found, rule)), found


def retry_in(seconds: int) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.seconds = seconds
    return info


async def test_a_size_that_clients_would_send_for_ever_is_found() -> None:
    async with grpc_answering(code_pb2.RESOURCE_EXHAUSTED, retry_in(1)) as endpoint:
        found = await tried(endpoint, rules=frozenset({3}))

    assert any("should be without RetryInfo" in line for line in failures(found))


@pytest.mark.parametrize(
    ("code", "delay_s", "rule", "outcome"),
    [
        (code_pb2.INTERNAL, 1, 16, Outcome.FAIL),
        (code_pb2.UNAVAILABLE, 1, 16, Outcome.PASS),
        (code_pb2.UNAVAILABLE, 1, 21, Outcome.PASS),
        (code_pb2.UNAVAILABLE, 0, 21, Outcome.FAIL),
        (code_pb2.UNAVAILABLE, 3600, 21, Outcome.FAIL),
        (code_pb2.UNAVAILABLE, None, 21, Outcome.NOT_APPLICABLE),
        (None, None, 10, Outcome.FAIL),
    ],
)
async def test_back_pressure_over_grpc_is_judged(
    code: int | None, delay_s: int | None, rule: int, outcome: Outcome
) -> None:
    details = [] if delay_s is None else [retry_in(delay_s)]
    async with grpc_answering(code, *details) as endpoint:
        found = await tried(endpoint, busy=True, rules=frozenset({rule}))

    assert outcome_of(found) is outcome


@pytest.mark.parametrize(
    ("status", "retry_after", "rule", "outcome"),
    [
        ("500 Oops", None, 31, Outcome.FAIL),
        ("500 Oops", None, 32, Outcome.FAIL),
        ("503 Wait", "soon", 31, Outcome.FAIL),
        ("503 Wait", "3", 31, Outcome.PASS),
        ("429 Wait", "Fri, 31 Dec 1999 23:59:59 GMT", 31, Outcome.PASS),
        ("502 Wait", None, 32, Outcome.PASS),
    ],
)
async def test_back_pressure_over_http_is_judged(
    status: str, retry_after: str | None, rule: int, outcome: Outcome
) -> None:
    header = f"Retry-After: {retry_after}\r\nConnection" if retry_after else "Connection"
    answer = response(status, b"", PROTOBUF).replace(b"Connection", header.encode())
    async with answering(answer) as endpoint:
        found = await tried(endpoint, busy=True, rules=frozenset({rule}))

    assert outcome_of(found) is outcome


async def test_a_bad_token_is_told_before_any_case() -> None:
    async with answering(response("401 Unauthorized")) as endpoint:
        with pytest.raises(Unreachable, match="asks who you are"):
            await tried(endpoint)


async def test_a_response_that_is_not_the_gzip_it_says_is_found() -> None:
    answer = response("200 OK", b"plain", PROTOBUF).replace(
        b"Connection", b"Content-Encoding: gzip\r\nConnection"
    )
    async with answering(answer) as endpoint:
        found = await tried(endpoint, rules=frozenset({27}))

    assert outcomes(found, 27) == {Outcome.FAIL}
