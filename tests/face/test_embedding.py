"""agentpond lives in a host's program, line by line of its documentation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

import agentpond
from agentpond.pipeline.core.counters import ACCEPTED, DROPPED, SENT

Configure = Callable[..., dict[str, Any]]
MakeBody = Callable[..., bytes]
MakeRequest = Callable[..., agentpond.Request]
Prompts = Callable[[agentpond.Service], list[str]]


def as_path(values: dict[str, Any], directory: Path) -> Path:
    path = directory / "agentpond.yaml"
    path.write_text(json.dumps(values))  # JSON is YAML.
    return path


def as_text(values: dict[str, Any], directory: Path) -> str:
    return str(as_path(values, directory))


def as_dict(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    del directory
    return values


def as_config(values: dict[str, Any], directory: Path) -> agentpond.Config:
    del directory
    return agentpond.Config(**values)


@pytest.mark.parametrize("source", [as_path, as_text, as_dict, as_config])
async def test_a_service_is_built_from_a_path_a_dict_or_a_config(
    source: Callable[[dict[str, Any], Path], Any],
    configure: Configure,
    make_request: MakeRequest,
    prompts: Prompts,
    tmp_path: Path,
) -> None:
    service = agentpond.build(source(configure(), tmp_path))

    async with service:
        await service.accept(make_request("hello"))
        await service.drain()

        assert prompts(service) == ["hello"]


async def test_accepting_says_how_many_records_are_durable(
    configure: Configure, make_request: MakeRequest
) -> None:
    async with agentpond.build(configure()) as service:
        accepted = await service.accept(make_request("a", "b"))

    assert (accepted.records, accepted.rejected) == (2, 0)


async def test_the_http_rim_lives_in_a_hosts_server(
    configure: Configure, make_body: MakeBody, prompts: Prompts
) -> None:
    service = agentpond.build(configure())
    app = web.Application()
    app.add_subapp("/otlp", service.http_app("otlp"))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/otlp/v1/logs"
    headers = {"Content-Type": "application/x-protobuf"}

    async with service, aiohttp.ClientSession() as client:
        answer = await client.post(url, data=make_body("over http"), headers=headers)
        await service.drain()

        assert answer.status == 200
        assert prompts(service) == ["over http"]
    await runner.cleanup()


async def test_a_mounted_rim_says_later_until_the_service_runs(
    configure: Configure, make_body: MakeBody
) -> None:
    service = agentpond.build(configure())
    app = web.Application()
    app.add_subapp("/otlp", service.http_app("otlp"))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/otlp/v1/logs"
    headers = {"Content-Type": "application/x-protobuf"}

    async with aiohttp.ClientSession() as client:
        answer = await client.post(url, data=make_body("too early"), headers=headers)

    assert answer.status == 503
    await runner.cleanup()


async def test_the_grpc_rim_lives_in_a_hosts_server(
    configure: Configure, make_body: MakeBody, prompts: Prompts
) -> None:
    service = agentpond.build(configure())
    server = grpc.aio.server()
    service.add_to_grpc(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    message = ExportLogsServiceRequest.FromString(make_body("over grpc"))

    async with service, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = LogsServiceStub(channel)  # type: ignore[no-untyped-call]
        await stub.Export(message)
        await service.drain()

        assert prompts(service) == ["over grpc"]
    await server.stop(None)


async def test_no_port_is_opened_where_no_protocol_is_named(configure: Configure) -> None:
    async with agentpond.build(configure()) as service:
        receiver: Any = service.receivers["otlp"]

        assert dict(receiver.endpoints) == {}


async def test_one_protocol_can_be_opened_alone(configure: Configure) -> None:
    values = configure()
    values["receivers"]["otlp"] = {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}

    async with agentpond.build(values) as service:
        receiver: Any = service.receivers["otlp"]

        assert list(receiver.endpoints) == ["http"]


async def test_two_services_live_in_one_process(
    configure: Configure, make_request: MakeRequest, prompts: Prompts
) -> None:
    first = agentpond.build(configure(name="first"))
    second = agentpond.build(configure(name="second"))

    async with first, second:
        await first.accept(make_request("one"))
        await second.accept(make_request("two", "three"))
        await first.drain()
        await second.drain()

        assert (prompts(first), prompts(second)) == (["one"], ["three", "two"])
        assert (first.counters.total(ACCEPTED), second.counters.total(ACCEPTED)) == (1, 2)


async def test_a_users_function_is_a_processor(
    configure: Configure, make_request: MakeRequest, prompts: Prompts
) -> None:
    def keep_short(rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows.filter(pc.field("content").isin(["short", "brief"]))

    mine = agentpond.function_processor("keep_short", keep_short)

    async with agentpond.build(configure("keep_short"), components=[mine]) as service:
        await service.accept(make_request("short", "much too long", "brief"))
        await service.drain()

        assert prompts(service) == ["brief", "short"]
        assert service.counters.by_label(DROPPED, "reason") == {"keep_short": 1}


async def test_a_function_with_a_wrong_result_loses_no_record(
    configure: Configure, make_request: MakeRequest
) -> None:
    mine = agentpond.function_processor("wrong", lambda rows: rows.drop_columns(["content"]))

    async with agentpond.build(configure("wrong"), components=[mine]) as service:
        await service.accept(make_request("a", "b"))
        await service.drain()

        assert service.counters.by_label(DROPPED, "reason") == {"bad_result": 2}
        dead = [each.name for each in (service.state_directory / "dead").glob("*.events.arrow")]
        assert len(dead) == 1


async def test_a_pipeline_named_after_a_signal_takes_that_alone(
    configure: Configure, make_request: MakeRequest
) -> None:
    values = configure()
    values["service"]["pipelines"]["traces/only"] = values["service"]["pipelines"].pop("agents")

    async with agentpond.build(values) as service:
        with pytest.raises(agentpond.Permanent, match="no pipeline takes logs"):
            await service.accept(make_request("a"))


async def test_one_store_serves_several_pipelines(
    configure: Configure, make_request: MakeRequest
) -> None:
    values = configure()
    pipelines = values["service"]["pipelines"]
    pipelines["logs"] = pipelines["agents"]

    async with agentpond.build(values) as service:
        await service.accept(make_request("a"))
        await service.drain()

        sent = service.counters.by_label(SENT, "pipeline")
        dropped = service.counters.by_label(DROPPED, "reason")
        assert sum(sent.values()) == 1
        assert dropped == {"duplicate": 1}


async def test_a_configuration_that_cannot_be_used_says_everything(configure: Configure) -> None:
    values = configure()
    values["exporters"]["duckdb"] = {"pathh": "x"}
    values["service"]["pipelines"]["agents"]["receivers"] = ["oltp"]

    with pytest.raises(agentpond.ConfigError) as caught:
        agentpond.build(values)

    assert [str(problem) for problem in caught.value.problems] == [
        "exporters.duckdb.pathh: unknown option. Did you mean `path`?",
        (
            "service.pipelines.agents.receivers[0]: receiver `oltp` is not defined. "
            "Did you mean `otlp`?"
        ),
    ]
