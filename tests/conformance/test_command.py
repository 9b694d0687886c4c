"""`agentpond conformance` ends with 0, 1 or 2, and says why in words."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .support import answering, response

PROTOBUF = "application/x-protobuf"


async def run_command(*words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agentpond", "conformance", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200"},
    )
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


async def test_it_ends_with_0_when_nothing_failed() -> None:
    async with answering(response("200 OK", b"", PROTOBUF)) as endpoint:
        code, out, _ = await run_command(endpoint, "--rule", "22")

    assert code == 0
    assert "1 rules kept, 0 broken" in out


async def test_it_ends_with_1_and_names_the_case_when_something_failed() -> None:
    async with answering(response("202 Accepted", b"", PROTOBUF)) as endpoint:
        code, out, _ = await run_command(endpoint, "--rule", "28", "--signal", "logs")

    assert code == 1
    assert "MUST: a whole request: should be 200." in out


async def test_it_says_so_when_nothing_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        code, out, errors = await run_command(f"http://127.0.0.1:{port}")

    assert (code, out) == (2, "")
    assert f"http://127.0.0.1:{port}: nothing there that speaks HTTP/1.1" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["127.0.0.1:99"], "port 99 is none of OTLP's own"),
        (["127.0.0.1", "--rule", "48"], "--rule 48: there are rules 1 to 47."),
        (["127.0.0.1", "--header", "nothing"], "is no header. Write 'Name: value'."),
        (["127.0.0.1", "--header", "X Y: v"], "is no header. Write 'Name: value'."),
        (["127.0.0.1", "--output", "."], "--output . is a folder. Name a file in it."),
        (["127.0.0.1", "--output", "nowhere/report.txt"], "there is no folder nowhere"),
        (["https://127.0.0.1", "--ca-file", "none.pem"], "the TLS files cannot be used"),
    ],
)
async def test_a_mistake_on_the_command_line_is_told(words: list[str], why: str) -> None:
    code, _, errors = await run_command(*words)

    assert code == 2
    assert why in errors


async def test_who_needs_a_token_and_has_none_is_told_how_to_give_it() -> None:
    async with answering(response("401 No")) as endpoint:
        code, _, errors = await run_command(endpoint)

    assert code == 2
    assert "--header 'Authorization: Bearer ...'" in errors


async def test_headers_are_sent_with_every_request() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response("200 OK", b"", PROTOBUF))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = f"http://127.0.0.1:{port}"
        await run_command(endpoint, "--rule", "22", "--header", "Authorization: Bearer x")

    assert len(heads) > 12
    assert all(b"\r\nAuthorization: Bearer x\r\n" in head for head in heads)


async def test_json_and_junit_are_written_to_a_file(tmp_path: Path) -> None:
    plain, xml = tmp_path / "report.json", tmp_path / "report.xml"
    async with answering(response("200 OK", b"", PROTOBUF)) as endpoint:
        wanted = (endpoint, "--rule", "22")
        await run_command(*wanted, "--format", "json", "--output", str(plain))
        await run_command(*wanted, "--format", "junit", "--output", str(xml))

    assert json.loads(plain.read_text())["rules"][0]["outcome"] == "pass"
    assert len(ET.parse(xml).getroot()) == 1  # noqa: S314 - our own
