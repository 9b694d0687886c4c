"""The whole engine: from a request given to the service to what the exporters got."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Dropped
from agentpond.pipeline.core.counters import (
    ACCEPTED,
    DROPPED,
    FAILED,
    LOG_BYTES,
    LOG_RECORDS,
    RECOVERED,
    REFUSED_REQUESTS,
    SENT,
)
from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.engine.memory_log import MemoryLog
from agentpond.pipeline.engine.service import Service


def dead_letters(kit: Any) -> list[pa.Table]:
    paths = sorted((kit.directory / "state" / "dead").glob("*.arrow"))
    return [pa.ipc.open_file(str(path)).read_all() for path in paths]


def reasons(table: pa.Table) -> tuple[str, str]:
    metadata = table.schema.metadata or {}
    return metadata[b"component"].decode(), metadata[b"reason"].decode()


async def test_what_is_accepted_is_delivered(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter)) as service:
        accepted = await service.accept(kit.request(b"5"))
        await service.drain()

        assert (accepted.position, accepted.records) == (0, 5)
        assert exporter.rows == 5
        assert service.counters.total(SENT, pipeline="agents", exporter="a") == 5
        assert service.counters.total(ACCEPTED, transport="embedded", signal="logs") == 5


async def test_what_is_delivered_is_forgotten_at_once(kit: Any) -> None:
    service = kit.service(kit.pipeline(kit.exporter()))
    async with service:
        await service.accept(kit.request(b"5"))
        await service._watch.until(lambda: service.log.start == service.log.end > 0)

        assert service.counters.total(LOG_RECORDS) == 0
        assert service.counters.total(LOG_BYTES) < 100


async def test_a_refused_request_is_counted_with_its_reason(kit: Any) -> None:
    async with kit.service(kit.pipeline(kit.exporter())) as service:
        with pytest.raises(Permanent):
            await service.accept(kit.request(b"bad"))

        assert service.counters.by_label(REFUSED_REQUESTS, "reason") == {"invalid_protobuf": 1}


async def test_a_request_that_no_pipeline_takes_is_refused(kit: Any) -> None:
    pipeline = kit.pipeline(kit.exporter(), signals=frozenset({Signal.LOGS}))
    async with kit.service(pipeline) as service:
        with pytest.raises(Permanent, match="no pipeline takes traces from receiver 'otlp'"):
            await service.accept(kit.request(signal=Signal.TRACES))
        with pytest.raises(Permanent, match="Pipelines take from: otlp") as caught:
            await service.accept(kit.request(receiver="other"))

        assert caught.value.reason == "no_pipeline"


async def test_groups_from_memory_are_not_decoded_again(kit: Any) -> None:
    codec = kit.codec()
    async with kit.service(kit.pipeline(kit.exporter()), codec=codec) as service:
        await service.accept(kit.request())
        await service.drain()

    assert codec.decoded == [1]


async def test_what_the_log_holds_at_start_is_decoded_again_and_delivered(kit: Any) -> None:
    log = kit.log()
    log.open()
    log.append([kit.entry(b"3"), kit.entry(b"3")])
    log.close()
    exporter = kit.exporter()

    async with kit.service(kit.pipeline(exporter)) as service:
        await service.drain()

        assert exporter.rows == 6
        assert service.counters.total(RECOVERED, pipeline="agents") == 6


async def test_a_retryable_delivery_is_tried_until_it_succeeds(kit: Any) -> None:
    exporter = kit.exporter(errors=[kit.retryable() for _ in range(3)])
    async with kit.service(kit.pipeline(exporter)) as service:
        await service.accept(kit.request(b"5"))
        await service.drain()

        assert exporter.rows == 5
        assert service.counters.total(FAILED, exporter="a") == 3
        assert service.ready


async def test_a_permanent_failure_goes_to_the_dead_letters_and_on(kit: Any) -> None:
    exporter = kit.exporter(errors=[kit.permanent()])
    async with kit.service(kit.pipeline(exporter)) as service:
        await service.accept(kit.request(b"5"))
        await service.drain()
        await service.accept(kit.request(b"7"))
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.num_rows == 5
        assert reasons(letter) == ("a", "refused")
        assert exporter.rows == 7
        assert service.counters.total(DROPPED, component="a", reason="refused") == 5
        assert service.counters.total(SENT) == 7


async def test_a_bug_in_an_exporter_does_not_end_the_pipeline(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = kit.exporter(errors=[ZeroDivisionError("oops")])
    async with kit.service(kit.pipeline(exporter)) as service:
        await service.accept(kit.request(b"5"))
        await service.drain()

        assert reasons(dead_letters(kit)[0]) == ("a", "bug")
        assert "ZeroDivisionError: oops" in caplog.text


async def test_processors_run_in_order_and_their_drops_are_counted(kit: Any) -> None:
    shorten = kit.processor(lambda b: [b.with_records(b.records[1:]), Dropped(EVENTS, 1, "noise")])
    halve = kit.processor(lambda b: [b.with_records(b.records[:2])])
    exporter = kit.exporter()
    pipeline = kit.pipeline(exporter, processors=(("shorten", shorten), ("halve", halve)))
    async with kit.service(pipeline) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        assert exporter.rows == 2
        assert service.counters.total(DROPPED, component="shorten", reason="noise") == 1
        assert service.counters.total(DROPPED, component="halve", reason="unexplained") == 3


async def test_a_processor_that_leaves_nothing_delivers_nothing(kit: Any) -> None:
    exporter = kit.exporter()
    pipeline = kit.pipeline(exporter, processors=(("none", kit.processor(lambda _: [])),))
    async with kit.service(pipeline) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        assert exporter.deliveries == []
        assert service.counters.total(DROPPED, component="none") == 6


def broken(_batch: Any) -> Any:
    raise KeyError("price")


async def test_a_bug_in_a_processor_loses_nothing(kit: Any) -> None:
    exporter = kit.exporter()
    first = kit.processor(lambda b: [b.with_records(b.records[1:]), Dropped(EVENTS, 1, "noise")])
    pipeline = kit.pipeline(
        exporter, processors=(("first", first), ("cost", kit.processor(broken)))
    )
    async with kit.service(pipeline) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.num_rows == 5
        assert reasons(letter) == ("cost", "bug")
        assert exporter.rows == 0
        assert service.counters.by_label(DROPPED, "component") == {"first": 1, "cost": 5}


async def test_session_processors_are_not_run_on_rows_in_flight(kit: Any) -> None:
    exporter = kit.exporter()
    ledger = kit.processor(broken, scope="session")
    async with kit.service(kit.pipeline(exporter, processors=(("ledger", ledger),))) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        assert exporter.rows == 6


async def test_a_bug_in_normalising_keeps_the_requests(kit: Any) -> None:
    codec = kit.codec(normalize_error=KeyError("dialect"))
    async with kit.service(kit.pipeline(kit.exporter()), codec=codec) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.column("body").to_pylist() == [b"6"]
        assert reasons(letter) == ("codec", "bug")
        assert service.counters.total(DROPPED, component="codec", reason="bug") == 6


@pytest.mark.parametrize(("refuse", "reason"), [(b"3", "invalid_protobuf"), (b"never", "bug")])
async def test_what_no_longer_decodes_after_a_restart_is_kept(
    kit: Any, refuse: bytes, reason: str
) -> None:
    log = kit.log()
    log.open()
    bad = b"3" if reason != "bug" else b"bug"
    log.append([kit.entry(bad), kit.entry(bad)])
    log.close()

    async with kit.service(kit.pipeline(kit.exporter()), codec=kit.codec(refuse=refuse)) as service:
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.column("body").to_pylist() == [bad, bad]
        assert service.counters.total(DROPPED, component="codec", reason=reason) == 6


async def test_records_that_became_no_events_are_counted(kit: Any) -> None:
    async with kit.service(kit.pipeline(kit.exporter()), codec=kit.codec(shortfall=2)) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        assert service.counters.total(DROPPED, component="codec", reason="unexplained") == 2
        assert service.counters.total(SENT) == 4


async def test_a_codec_that_makes_more_events_than_records_is_told(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with kit.service(kit.pipeline(kit.exporter()), codec=kit.codec(shortfall=-1)) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

    assert "6 records became 7 events" in caplog.text


async def test_duplicates_that_an_exporter_names_are_dropped_not_sent(kit: Any) -> None:
    async with kit.service(kit.pipeline(kit.exporter(drops=2))) as service:
        await service.accept(kit.request(b"6"))
        await service.drain()

        assert service.counters.total(SENT) == 4
        assert service.counters.total(DROPPED, component="a", reason="duplicate") == 2


async def test_records_lost_to_a_damaged_log_are_counted(kit: Any) -> None:
    exporter = kit.exporter(errors=[kit.retryable()], gate=threading.Event())
    service = kit.service(kit.pipeline(exporter))
    service.log.open()
    service.log.append([kit.entry(b"3"), kit.entry(b"3 x")])
    path = next((kit.directory / "log").glob("*.log"))
    path.write_bytes(path.read_bytes().replace(b"3 x", b"4 x"))
    service.log.open = lambda: None
    exporter.gate.set()

    async with service:
        await service.drain()

        assert service.counters.total(DROPPED, component="log", reason="damaged") == 3
        assert exporter.rows == 3


async def test_a_slow_pipeline_holds_up_no_other(kit: Any) -> None:
    slow, quick = kit.exporter(gate=threading.Event()), kit.exporter()
    pipelines = [
        kit.pipeline(slow, id="slow"),
        kit.pipeline(processors=(), id="quick", exporters=(("b", quick),)),
    ]
    async with kit.service(*pipelines) as service:
        await service.accept(kit.request(b"5"))
        await asyncio.to_thread(slow.entered.wait)
        await service._watch.until(lambda: service._runners[1].cursor == service.log.end)

        assert quick.rows == 5
        assert service.counters.total(LOG_RECORDS, pipeline="slow") == 5
        assert service.log.start == 0
        slow.gate.set()


async def test_pipelines_take_what_is_theirs(kit: Any) -> None:
    logs, other = kit.exporter(), kit.exporter()
    pipelines = [
        kit.pipeline(logs, id="logs", signals=frozenset({Signal.LOGS})),
        kit.pipeline(id="x", receivers=frozenset({"x"}), exporters=(("b", other),)),
    ]
    async with kit.service(*pipelines) as service:
        for signal in (Signal.LOGS, Signal.TRACES, Signal.LOGS):
            await service.accept(kit.request(b"3", signal, "x"))
        await service.accept(kit.request(b"4"))
        await service.drain()

        assert (logs.rows, other.rows) == (4, 9)
        await service._watch.until(lambda: service.log.start == service.log.end)


async def test_a_restart_begins_where_an_exporter_without_positions_was(kit: Any) -> None:
    log = MemoryLog(1 << 20)
    behind, ahead = kit.exporter(errors=[kit.retryable() for _ in range(1)]), kit.exporter()
    behind.gate = threading.Event()
    first = kit.service(kit.pipeline(ahead, behind), log=log, drain_deadline_s=0.0)
    async with first:
        await first.accept(kit.request(b"5"))
        await asyncio.to_thread(behind.entered.wait)
        stopping = asyncio.create_task(first.stop())
        await asyncio.sleep(0)
        behind.gate.set()
        await stopping

    second = kit.service(kit.pipeline(ahead, behind), log=log)
    async with second:
        await second.accept(kit.request(b"7"))
        await second.drain()

    assert ahead.rows == behind.rows == 12
    assert len(ahead.stretches) == 2


async def test_an_exporter_that_keeps_positions_is_asked_for_them(kit: Any) -> None:
    log = MemoryLog(1 << 20)
    positions = log.append([kit.entry(b"3"), kit.entry(b"3")])
    store = kit.store(positions={("agents", log.log_id): positions[1]})

    async with kit.service(kit.pipeline(store), log=log) as service:
        await service.drain()

    assert store.stretches == [(positions[1], log.end)]


async def test_a_store_that_knows_of_more_than_the_log_gets_what_comes_next(kit: Any) -> None:
    log = MemoryLog(1 << 20)
    store = kit.store(positions={("agents", log.log_id): 5000})

    async with kit.service(kit.pipeline(store), log=log) as service:
        await service.accept(kit.request(b"5"))
        await service.drain()

    assert store.rows == 5
    assert store.deliveries[0].end > 5000


async def test_stopping_drains_to_the_end_of_the_log(kit: Any) -> None:
    exporter = kit.exporter(gate=threading.Event())
    service = kit.service(kit.pipeline(exporter))
    await service.start()
    for _ in range(5):
        await service.accept(kit.request(b"5"))
    stopping = asyncio.create_task(service.stop())
    await asyncio.to_thread(exporter.entered.wait)
    exporter.gate.set()

    await stopping

    assert exporter.rows == 25


async def test_past_the_deadline_the_rest_stays_in_the_log(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failing = kit.exporter(errors=[kit.retryable() for _ in range(100_000)])
    service = kit.service(kit.pipeline(failing), drain_deadline_s=0.01)
    async with service:
        await service.accept(kit.request(b"5"))
    exporter = kit.exporter()

    async with kit.service(kit.pipeline(exporter)) as again:
        await again.drain()

    assert "the rest stays" in caplog.text
    assert exporter.rows == 5


async def test_retries_make_the_service_not_ready_and_say_why(kit: Any) -> None:
    exporter = kit.exporter(errors=[kit.retryable() for _ in range(100_000)])
    service = kit.service(kit.pipeline(exporter), drain_deadline_s=0.0)
    async with service:
        assert service.ready
        await service.accept(kit.request(b"5"))
        await service._watch.until(lambda: bool(service.troubles()))

        assert service.troubles() == ["pipeline agents: a: later"]
        assert not service.ready


async def test_parts_start_and_stop_in_order(kit: Any) -> None:
    calls: list[str] = []
    receiver, exporter = kit.receiver(calls), kit.exporter(calls=calls)
    service = kit.service(kit.pipeline(exporter), receivers={"otlp": receiver})

    async with service:
        calls.append("running")

    assert calls == ["start", "start", "running", "stop", "stop"]
    assert service.exporters["a"] is exporter


async def test_a_start_that_fails_half_way_stops_what_was_started(kit: Any) -> None:
    receiver = kit.receiver(error=Permanent("port 4317 is in use", reason="address_in_use"))
    exporter = kit.exporter()
    service = kit.service(kit.pipeline(exporter), receivers={"otlp": receiver})

    with pytest.raises(Permanent, match="port 4317 is in use"):
        await service.start()

    assert exporter.calls == ["start", "stop"]
    assert receiver.calls == ["start", "stop"]
    assert service.troubles() == ["the service is stopped."]
    assert not [t for t in threading.enumerate() if t.name.startswith("agentpond")]
    kit.log().open()


async def test_stopping_twice_and_without_start_is_safe(kit: Any) -> None:
    service = kit.service(kit.pipeline(kit.exporter()))

    await service.stop()
    await service.start()
    await service.stop()
    await service.stop()

    assert service.troubles() == ["the service is stopped."]


async def test_a_stopped_service_says_so(kit: Any) -> None:
    service = kit.service(kit.pipeline(kit.exporter()))
    async with service:
        pass

    with pytest.raises(Permanent, match=r"is stopped and starts only once\. Build a new one"):
        await service.start()
    with pytest.raises(Retryable, match="stopping") as caught:
        await service.accept(kit.request())

    assert caught.value.reason == "stopping"


async def test_a_rim_that_is_mounted_before_the_start_answers_try_later(kit: Any) -> None:
    receivers = {"otlp": kit.receiver()}
    service = kit.service(kit.pipeline(kit.exporter()), receivers=receivers)
    accept = service.http_app("otlp")

    with pytest.raises(Retryable) as caught:
        await accept(kit.request())
    async with service:
        accepted = await accept(kit.request(b"5"))

    assert caught.value.reason == "not_started"
    assert accepted.records == 5


async def test_the_only_receiver_need_not_be_named(kit: Any) -> None:
    service = kit.service(kit.pipeline(kit.exporter()), receivers={"otlp": kit.receiver()})
    server: list[Any] = []

    service.add_to_grpc(server)

    assert len(server) == 1


def test_the_receivers_to_choose_from_are_named(kit: Any) -> None:
    receivers = {"otlp": kit.receiver(), "otlp/2": kit.receiver()}
    service = kit.service(kit.pipeline(kit.exporter()), receivers=receivers)

    with pytest.raises(Permanent, match="Name one of: otlp, otlp/2"):
        service.add_to_grpc([])
    with pytest.raises(Permanent, match="not 'oltp'"):
        service.http_app("oltp")


async def test_draining_without_start_returns(kit: Any) -> None:
    service = kit.service(kit.pipeline(kit.exporter()))

    await service.drain()

    assert not service.ready


async def test_two_services_live_in_one_process(kit: Any) -> None:
    exporters = [kit.exporter(), kit.exporter()]
    services = [
        kit.service(
            kit.pipeline(exporter),
            log=kit.log(f"log{n}"),
            state_directory=Path(kit.directory / f"{n}"),
        )
        for n, exporter in enumerate(exporters)
    ]
    async with services[0], services[1]:
        await services[0].accept(kit.request(b"2"))
        await services[1].accept(kit.request(b"3"))

    assert [exporter.rows for exporter in exporters] == [2, 3]


async def test_a_log_that_is_in_use_stops_the_start(kit: Any) -> None:
    kit.log().open()

    with pytest.raises(Permanent, match="is in use by the service with process id"):
        await kit.service(kit.pipeline(kit.exporter())).start()


async def test_an_exporter_that_does_not_return_is_left_behind(
    kit: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpond.pipeline.engine.service._JOIN_S", 0.01)
    stuck = kit.exporter(gate=threading.Event())
    service = kit.service(kit.pipeline(stuck), drain_deadline_s=0.0)
    async with service:
        await service.accept(kit.request(b"5"))
        await asyncio.to_thread(stuck.entered.wait)
    runner = service._runners[0]

    stuck.gate.set()

    assert await asyncio.to_thread(runner.join, 20.0)
    assert "does not return; it is left behind" in caplog.text
    assert logging.getLogger("agentpond").handlers == []


async def grouped(kit: Any, service: Service, *bodies: bytes) -> None:
    """Have requests become one group."""
    codec: Any = service.codec
    codec.gate = threading.Event()
    codec.entered.clear()
    first = asyncio.create_task(service.accept(kit.request(b"1")))
    await asyncio.to_thread(codec.entered.wait, 20.0)
    others = [asyncio.create_task(service.accept(kit.request(body))) for body in bodies]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    codec.gate.set()
    await asyncio.gather(first, *others)


async def test_one_request_that_breaks_the_normalising_takes_no_other_with_it(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter), gather_s=20.0) as service:
        await grouped(kit, service, b"2", b"3 poison", b"4", b"5", b"6 poison", b"7")
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.column("body").to_pylist() == [b"3 poison", b"6 poison"]
        assert len(exporter.deliveries) == 1
        assert exporter.rows == 1 + 2 + 4 + 5 + 7
        assert service.counters.total(SENT) == 19
        assert service.counters.by_label(DROPPED, "reason") == {"bug": 9}


async def test_what_breaks_decoding_or_normalising_after_a_restart_stands_in_one_letter(
    kit: Any,
) -> None:
    log = kit.log()
    log.open()
    log.append([kit.entry(body) for body in (b"3", b"bug", b"3 x", b"bad", b"3 poison", b"3 y")])
    log.close()
    exporter = kit.exporter()

    async with kit.service(kit.pipeline(exporter)) as service:
        await service.drain()

        (letter,) = dead_letters(kit)
        assert letter.column("body").to_pylist() == [b"bug", b"bad", b"3 poison"]
        assert letter.column("error").to_pylist() == [
            "a bug: ValueError: the codec has a bug.",
            "bad body",
            "a bug: ZeroDivisionError: .",
        ]
        assert exporter.rows == 9
        dropped = service.counters.by_label(DROPPED, "reason")
        assert dropped == {"bug": 6, "invalid_protobuf": 3}


@pytest.mark.parametrize("error", [MemoryError("no memory"), OSError(28, "No space left")])
async def test_the_machines_troubles_are_no_verdict_on_the_data(kit: Any, error: Exception) -> None:
    exporter = kit.exporter(errors=[error])
    async with kit.service(kit.pipeline(exporter)) as service:
        await service.accept(kit.request(b"5"))
        await service.drain()

        assert exporter.rows == 5
        assert service.counters.total(FAILED) == 1
        assert dead_letters(kit) == []


async def left_behind(kit: Any, monkeypatch: pytest.MonkeyPatch, *exporters: Any) -> Any:
    """Stop a service whose first exporter is in a call; give its runner."""
    monkeypatch.setattr("agentpond.pipeline.engine.service._JOIN_S", 0.01)
    service = kit.service(kit.pipeline(*exporters), drain_deadline_s=0.0)
    async with service:
        await service.accept(kit.request(b"5"))
        await asyncio.to_thread(exporters[0].entered.wait, 20.0)
    return service._runners[0]


async def test_a_runner_that_is_left_behind_calls_no_exporter_that_was_stopped(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = kit.exporter(gate=threading.Event()), kit.exporter(errors=[kit.permanent()])
    runner = await left_behind(kit, monkeypatch, slow, quick)
    slow.gate.set()
    await asyncio.to_thread(runner.join, 20.0)
    quick.errors.clear()

    async with kit.service(kit.pipeline(slow, quick)) as again:
        await again.drain()

    assert dead_letters(kit) == []
    assert (slow.rows, quick.rows) == (5, 5)


async def test_an_error_of_a_call_that_outlives_the_service_is_no_verdict(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = kit.exporter(gate=threading.Event(), errors=[kit.permanent()])
    runner = await left_behind(kit, monkeypatch, stopped)
    stopped.gate.set()
    await asyncio.to_thread(runner.join, 20.0)

    async with kit.service(kit.pipeline(stopped)) as again:
        await again.drain()

    assert dead_letters(kit) == []
    assert stopped.rows == 5


async def test_a_request_whose_host_is_cancelled_is_counted_where_it_is_durable(kit: Any) -> None:
    codec = kit.codec(gate=threading.Event())
    service = kit.service(kit.pipeline(kit.exporter()), codec=codec)
    async with service:
        task = asyncio.create_task(service.accept(kit.request(b"5")))
        await asyncio.to_thread(codec.entered.wait, 20.0)
        task.cancel()
        codec.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert service.counters.total(ACCEPTED) == 5
    assert service.counters.total(SENT) == 5


async def test_a_hurried_stop_waits_for_no_pipeline(kit: Any) -> None:
    failing = kit.exporter(errors=[kit.retryable() for _ in range(100_000)])
    service = kit.service(kit.pipeline(failing), drain_deadline_s=3600.0)
    await service.start()
    await service.accept(kit.request(b"5"))
    stopping = asyncio.create_task(service.stop())
    await asyncio.sleep(0)

    service.hurry()
    await stopping

    assert failing.rows == 0
    assert service.counters.total(LOG_RECORDS) == 5


async def test_hurry_before_the_stop_is_remembered(kit: Any) -> None:
    failing = kit.exporter(errors=[kit.retryable() for _ in range(100_000)])
    service = kit.service(kit.pipeline(failing), drain_deadline_s=3600.0)
    async with service:
        await service.accept(kit.request(b"5"))
        service.hurry()

    assert service.counters.total(LOG_RECORDS) == 5


async def test_small_deliveries_are_gathered(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter), gather_s=3600.0) as service:
        for _ in range(3):
            await service.accept(kit.request(b"5"))
        await service.drain()

        assert [delivery.rows(EVENTS) for delivery in exporter.deliveries] == [15]


async def test_what_nobody_asks_for_is_delivered_after_the_gathering(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter), gather_s=0.01) as service:
        await service.accept(kit.request(b"5"))

        assert await asyncio.to_thread(exporter.entered.wait, 20.0)


async def test_a_delivery_that_is_large_enough_waits_for_no_more(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter), gather_s=3600.0) as service:
        await service.accept(kit.request(b"40959"))
        await service.accept(kit.request(b"1"))

        assert await asyncio.to_thread(exporter.entered.wait, 20.0)


async def test_a_stop_does_not_wait_for_the_gathering(kit: Any) -> None:
    exporter = kit.exporter()
    async with kit.service(kit.pipeline(exporter), gather_s=3600.0) as service:
        await service.accept(kit.request(b"5"))

    assert exporter.rows == 5
