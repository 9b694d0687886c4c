"""Queries that never end hold up nobody who sends."""

import asyncio
import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from aiohttp import ClientSession
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

import agentpond

GZIP = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
ENDLESS = "SELECT count(*) FROM range(1_000_000_000_000) WHERE range % 7 = 3"
WAIT_S = 60.0


def configuration(home: Path) -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {"duckdb": {"path": str(home / "a.duckdb")}},
        "service": {
            "state_directory": str(home),
            "telemetry": {"endpoint": "127.0.0.1:0"},
            "pipelines": {"agents": {"receivers": ["otlp"], "exporters": ["duckdb"]}},
        },
    }


def large_gzip() -> bytes:
    """Write a request that is inflated in a thread: more than 16 KiB of gzip."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
    record.body.string_value = os.urandom(30_000).hex()
    return gzip.compress(request.SerializeToString())


async def test_a_gzip_request_is_taken_while_endless_queries_run(tmp_path: Path) -> None:
    service = agentpond.build(configuration(tmp_path))
    async with service, ClientSession() as client:
        otlp: Any = service.receivers["otlp"]
        assert service.telemetry is not None
        query = f"{service.telemetry.url}/query"
        token = {"Authorization": f"Bearer {service.telemetry.token}"}

        async def ask(sql: str) -> bytes:
            async with client.post(query, json={"sql": sql}, headers=token) as answer:
                return await answer.read()

        endless = [asyncio.create_task(ask(ENDLESS)) for _ in range(8)]
        async with asyncio.timeout(WAIT_S):
            url = f"http://{otlp.endpoints['http']}/v1/logs"
            answer = await client.post(url, data=large_gzip(), headers=GZIP)
            for each in endless:
                each.cancel()
            # Whoever leaves makes room for others.
            rows = await ask("SELECT 1 AS one")

    assert answer.status == 200
    assert pa.ipc.open_stream(rows).read_all().to_pydict() == {"one": [1]}
