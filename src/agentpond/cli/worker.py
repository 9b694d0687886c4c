"""Find who can run session-scope processors on a store: the service that has it, else we."""

import http.client
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from ..config.build import Workshop, workshop
from ..config.check import Plan
from ..pipeline.core.errors import ConfigError, Permanent, Problem
from ..pipeline.engine.sessions.asked import (
    Asked,
    Progress,
    RepriceAsked,
    Repriced,
    repricing_line,
)
from ..pipeline.engine.sessions.engine import SessionEngine
from .asking import Running, answer_to, answers, ask, holder_of, nobody_to_ask
from .store import choose_store, planned

_VERSIONS = "SELECT processor, version FROM processors"


class Worker(Protocol):
    """Whoever runs session-scope processors on a store. All raise Permanent or Retryable."""

    def process(self, asked: Asked) -> Iterator[Progress]:
        """Run processors, and tell how far they are."""

    def reprice(self, asked: RepriceAsked) -> Iterator[Progress | Repriced]:
        """Make costs again, and tell how far that is and what it changed."""

    def query(self, sql: str) -> pa.Table:
        """Ask the store."""


@contextmanager
def worker_on(config: Path | None, db: Path | None) -> Iterator[Worker]:
    """Give the worker on a configuration's store; ``db`` is a file in the place of its own.

    Raises:
        ConfigError: the configuration cannot be used, or has nothing that works on a store.
        Permanent: the store cannot be opened.
        Retryable: not now.

    """
    chosen = planned(config)
    store, path = choose_store(chosen, db)
    path = path.expanduser()
    running = holder_of(path)
    if running is not None and answers(running):
        yield _Service(running)
        return
    with _opened(_shop(chosen, store, path), by_default=config is None) as here:
        yield here


def _shop(chosen: Plan, store: str, path: Path) -> Workshop:
    shop = workshop(chosen, store, path)
    if shop.engine is None:
        message = f"none of them makes tables in `{store}`."
        hint = "Add `ledger`, `tool_calls`, `turns` or `sessions`, and name it in the pipeline."
        raise ConfigError(Problem("processors", message, hint, chosen.document.file))
    if not path.is_file():
        raise Permanent(
            f"there is no file {path}. Name the store with --config or --db.", reason="no_store"
        )
    return shop


@contextmanager
def _opened(shop: Workshop, *, by_default: bool) -> Iterator[Worker]:
    # What DuckDB writes beside its file holds prompts.
    os.umask(0o077)
    if shop.engine is None:
        return
    try:
        shop.store.start()
    except Permanent as error:
        raise (nobody_to_ask(error) if error.reason == "database_locked" else error) from error
    store: Any = shop.store
    try:
        if by_default:
            _refuse_other_options(store.query(_VERSIONS), shop.engine)
        shop.engine.open()
        yield _Here(shop.engine, store)
    finally:
        shop.store.stop()


def _refuse_other_options(made_by: pa.Table, engine: SessionEngine) -> None:
    """Refuse to make tables by the default's options that were made by others.

    Raises:
        Permanent: the file's processors had options that the default has not.

    """
    was = dict(zip(*(made_by[name].to_pylist() for name in ("processor", "version")), strict=True))
    others = [
        name
        for name, processor in engine.processors.items()
        if _options(was.get(name, processor.version)) != _options(processor.version)
    ]
    if others:
        raise Permanent(
            f"{', '.join(others)} made this file's tables with options that the built-in default "
            f"does not have; it would make them again without. Name the configuration: --config.",
            reason="other_options",
        )


def _options(version: str) -> str:
    """Give the digest of the options that a version names; empty where all are as by default."""
    return version.partition("+")[2]


@dataclass(frozen=True, slots=True)
class _Here:
    """This process."""

    engine: SessionEngine
    store: Any

    def process(self, asked: Asked) -> Iterator[Progress]:
        return self.engine.process(asked)

    def reprice(self, asked: RepriceAsked) -> Iterator[Progress | Repriced]:
        yield from self.engine.reprice(asked)
        # A service does so by itself: whoever reads the ledger follows it.
        yield from self.engine.process(Asked())

    def query(self, sql: str) -> pa.Table:
        rows: pa.Table = self.store.query(sql)
        return rows


@dataclass(frozen=True, slots=True)
class _Service:
    """The service that has the store."""

    running: Running

    def process(self, asked: Asked) -> Iterator[Progress]:
        return map(Progress.from_json, self._lines("/process", asked.to_json()))

    def reprice(self, asked: RepriceAsked) -> Iterator[Progress | Repriced]:
        return map(repricing_line, self._lines("/reprice", asked.to_json()))

    def query(self, sql: str) -> pa.Table:
        return ask(self.running, sql)

    def _lines(self, path: str, asked: str) -> Iterator[bytes]:
        try:
            with answer_to(self.running, path, json.loads(asked)) as response:
                yield from _until_done(response)
        except (ConnectionError, http.client.HTTPException) as error:
            raise _gone(error) from error


def _until_done(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Give the lines of an answer but the last, which says that it is whole."""
    for line in lines:
        if line.startswith(b'{"error"'):
            raise Permanent(str(json.loads(line)["error"]), reason="failed")
        if line.startswith(b'{"done"'):
            return
        yield line
    # http.client ends quietly where a chunked answer was cut off.
    raise _gone("its answer breaks off")


def _gone(why: object) -> Permanent:
    return Permanent(
        f"the service ended in the midst of it ({why}). Look at its log, and ask again.",
        reason="gone",
    )
