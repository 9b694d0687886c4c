"""Check that a component keeps the contract of `docs/contract.md`.

Each check has the short name that the contract gives it, and raises `ContractBroken` with
that name and what was seen.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ValidationError

from ..core.batch import Batch, Dropped, Table
from ..core.component import (
    Exporter,
    Factory,
    Kind,
    Positioned,
    Processor,
    Readable,
    Receiver,
    Settings,
)
from ..core.errors import Permanent, Retryable
from ..core.signal import Accepted, Request
from .builders import batch, delivery, events, sample_events, sample_sessions
from .builders import settings as make_settings
from .session_checks import check_session_processor
from .verdict import must

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_SENTENCE = 80
_REPLY_S = 10.0

Send = Callable[[Any], Awaitable[bool]]
"""Send one valid request to a started receiver; tell whether it was answered with success."""


def check_factory(factory: Factory, config: Mapping[str, Any] | None = None) -> None:
    """Check what can be told of a component before it is built: `factory-*`.

    ``config`` holds the options that have no default, if there are any.
    """
    model, told = factory.config, dict(config or {})
    must("factory-name", bool(_NAME.fullmatch(factory.name)), f"{factory.name!r}")
    must("factory-config", issubclass(model, BaseModel), f"{model} is no pydantic model")
    sentence = factory.summary
    short = 0 < len(sentence) <= _LONGEST_SENTENCE
    must("factory-docstring", short, f"first line of {model.__qualname__}: {sentence!r}")
    must("factory-frozen", bool(model.model_config.get("frozen")), "config can be changed")
    _check_defaults(model, told)
    _check_unknown(model, told)


def check_processor(
    factory: Factory,
    config: Mapping[str, Any] | None = None,
    *,
    settings: Settings | None = None,
    batches: Sequence[Batch] | None = None,
    made: Mapping[str, pa.Table] | None = None,
) -> None:
    """Check a processor: `factory-*`, and `processor-*` or, with scope session, `session-*`.

    ``batches`` are rows it has something to do with, besides the samples of this package;
    ``made`` are rows of tables that it reads and other processors make.
    """
    check_factory(factory, config)
    processor = _built(factory, config, settings, Kind.PROCESSOR)
    scope = processor.scope
    must("processor-scope", scope in ("batch", "session"), f"scope is {scope!r}")
    if scope == "session":
        check_session_processor(processor, (sample_sessions(), *(batches or ())), made or {})
        return
    for given in (sample_events(), *(batches or ())):
        _check_pure(processor, given)
        _check_empty(processor, given)
        _check_rows(processor, given)
        _check_order(processor, given)
    _check_foreign(processor)


def check_exporter(
    factory: Factory,
    config: Mapping[str, Any] | None = None,
    *,
    settings: Settings | None = None,
) -> None:
    """Check an exporter: `factory-*` and `exporter-*`.

    Give a ``config`` whose files are in a directory of the test's own.
    """
    check_factory(factory, config)
    idle: Exporter = _built(factory, config, settings, Kind.EXPORTER)
    # exporter-stop-idle: an error here is the verdict.
    idle.stop()
    idle.stop()
    exporter: Exporter = _built(factory, config, settings, Kind.EXPORTER)
    exporter.start()
    try:
        _check_position(exporter)
        _check_delivery(exporter)
    finally:
        exporter.stop()
    # exporter-stop-twice: likewise.
    exporter.stop()


async def check_receiver(
    factory: Factory,
    config: Mapping[str, Any] | None = None,
    *,
    settings: Settings | None = None,
    send: Send | None = None,
) -> None:
    """Check a receiver: `factory-*` and `receiver-*`.

    Give a ``config`` with port 0. With ``send``, its answers are checked, too.
    """
    check_factory(factory, config)
    idle: Receiver = _built(factory, config, settings, Kind.RECEIVER)
    # receiver-stop-idle: an error here is the verdict.
    await idle.stop()
    await idle.stop()
    receiver: Receiver = _built(factory, config, settings, Kind.RECEIVER)
    judge = _Judge()
    await receiver.start(judge.accept)
    try:
        if send is not None:
            await _check_answers(receiver, judge, send)
    finally:
        await receiver.stop()
    # receiver-stop-twice: likewise.
    await receiver.stop()


def _check_defaults(model: type[BaseModel], told: Mapping[str, Any]) -> None:
    try:
        model.model_validate(told)
    except ValidationError as error:
        must("factory-defaults", False, f"{told} is no configuration: {error}")


def _check_unknown(model: type[BaseModel], told: Mapping[str, Any]) -> None:
    try:
        model.model_validate({**told, "no_such_option": 1})
    except ValidationError:
        return
    must("factory-unknown-option", False, "an option that does not exist was taken")


def _built(
    factory: Factory, config: Mapping[str, Any] | None, settings: Settings | None, kind: Kind
) -> Any:
    must("factory-kind", factory.kind is kind, f"kind is {factory.kind}, not {kind}")
    told = factory.config.model_validate(dict(config or {}))
    return factory.build(told, settings or make_settings(factory.name))


def _check_pure(processor: Processor, given: Batch) -> None:
    before = _copy(given)
    first, second = list(processor.process(given)), list(processor.process(given))
    must("processor-pure", _same(first, second), "two calls with one batch gave two results")
    same = given.records.equals(before.records)
    must("processor-input", same, "the batch that was given is another afterwards")


def _check_empty(processor: Processor, given: Batch) -> None:
    empty = given.with_records(given.records.slice(0, 0))
    out = list(processor.process(empty))
    rows = sum(len(each) if isinstance(each, Batch) else each.rows for each in out)
    must("processor-empty", rows == 0, f"{rows} rows came of none")


def _check_rows(processor: Processor, given: Batch) -> None:
    out = list(processor.process(given))
    own = [each for each in out if each.table.name == given.table.name]
    rows = sum(len(each) if isinstance(each, Batch) else each.rows for each in own)
    seen = f"{len(given)} rows of {given.table.name} went in, {rows} are out or named as dropped"
    must("processor-rows", rows == len(given), seen)
    named = all(each.reason for each in own if isinstance(each, Dropped))
    must("processor-reason", named, "rows were dropped without a reason")
    kept = [each for each in own if isinstance(each, Batch)]
    strange = [_strangers(each, given) for each in kept]
    must("processor-ids", not any(strange), f"{sum(strange)} rows have a key that no row had")


def _check_order(processor: Processor, given: Batch) -> None:
    middle = len(given) // 2
    parts = [given.records.slice(0, middle), given.records.slice(middle)]
    apart = [out for part in parts for out in processor.process(given.with_records(part))]
    joined = list(processor.process(given))
    same = _same(apart, joined)
    must("processor-order", same, "process(a) + process(b) is not process(a + b)")


def _check_foreign(processor: Processor) -> None:
    field = pa.field("x", pa.int64())
    foreign = batch(Table("foreign", pa.schema([field]), ()), 3, x=[1, 2, 3])
    out = list(processor.process(foreign))
    must("processor-foreign", _same(out, [foreign]), "a table it does not know did not pass")


def _check_position(exporter: Exporter) -> None:
    if isinstance(exporter, Positioned):
        told = exporter.position("agents", "log")
        must("exporter-position", told is None, f"position {told} before any delivery")


def _check_delivery(exporter: Exporter) -> None:
    given = delivery(sample_events(), end=7)
    before = _copy(given.batches[0])
    exporter.export(given)
    exporter.export(given)
    same = given.batches[0].records.equals(before.records)
    must("exporter-input", same, "the delivery is another after the export")
    exporter.export(delivery(end=9, start=7))
    last = 11
    exporter.export(delivery(events(0), end=last, start=9))
    if isinstance(exporter, Positioned):
        told = exporter.position("agents", "log")
        must("exporter-position", told == last, f"position {told} after a delivery up to {last}")
        other = exporter.position("agents", "another log")
        must("exporter-position", other is None, f"position {other} of a log never delivered")
    if isinstance(exporter, Readable):
        count = exporter.query("SELECT count(*) AS n FROM events").column("n")
        once = count.equals(pa.chunked_array([pa.array([len(given.batches[0])])]))
        must("exporter-twice", once, "a delivery made twice stands there more than once")


class _Judge:
    """Answers requests as the test wants: waits for leave, or raises."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.leave = asyncio.Event()
        self.error: Exception | None = None

    async def accept(self, request: Request) -> Accepted:
        self.asked.set()
        await self.leave.wait()
        if self.error is not None:
            raise self.error
        return Accepted(position=0, records=int(bool(request.body)))


async def _check_answers(receiver: Receiver, judge: _Judge, send: Send) -> None:
    answer = asyncio.ensure_future(send(receiver))
    async with asyncio.timeout(_REPLY_S):
        await judge.asked.wait()
        must("receiver-durable", not answer.done(), "answered before the request was durable")
        judge.leave.set()
        must("receiver-success", await answer, "no success although the request was accepted")
        judge.error = Retryable("the log is full")
        must("receiver-retryable", not await send(receiver), "success in spite of Retryable")
        judge.error = Permanent("no such thing", reason="invalid")
        must("receiver-permanent", not await send(receiver), "success in spite of Permanent")


def _copy(given: Batch) -> Batch:
    """Copy rows down to the bytes, so that a change of the original shows."""
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, given.table.schema) as writer:
        writer.write_batch(given.records)
    return given.with_records(pa.ipc.open_stream(stream.getvalue()).read_next_batch())


def _same(one: Iterable[Batch | Dropped], other: Iterable[Batch | Dropped]) -> bool:
    return _summed(one) == _summed(other)


def _summed(out: Iterable[Batch | Dropped]) -> tuple[dict[str, pa.Table], Counter[Any]]:
    """Join what a processor gave: rows by table, dropped rows by table and reason."""
    parts: dict[str, list[pa.RecordBatch]] = {}
    dropped: Counter[Any] = Counter()
    for each in out:
        if isinstance(each, Dropped):
            dropped[each.table.name, each.reason] += each.rows
        elif len(each):
            parts.setdefault(each.table.name, []).append(each.records)
    tables = {name: pa.Table.from_batches(each) for name, each in parts.items()}
    return {name: each.combine_chunks() for name, each in tables.items()}, dropped


def _strangers(out: Batch, given: Batch) -> int:
    """Count the rows whose key no row had that went in."""
    if len(out.table.key) != 1:
        return 0
    name = out.table.key[0]
    known = pc.is_in(out.records.column(name), value_set=given.records.column(name))
    return len(out) - int(known.true_count)
