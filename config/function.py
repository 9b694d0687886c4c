"""Turn a plain function on Arrow rows of the events table into a processor."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ..pipeline.core.batch import Batch, Dropped
from ..pipeline.core.component import Factory, Kind, Settings
from ..pipeline.core.errors import ConfigError, Permanent, Problem
from ..pipeline.core.schema import EVENTS
from .check import is_component_type

RecordFunction = Callable[[pa.RecordBatch], pa.RecordBatch]


class Config(BaseModel):
    """Run a function of the host's own on every batch of events."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class FunctionProcessor:
    """Hand events to a function; the rows it leaves out are dropped under its name."""

    name: str
    function: RecordFunction

    @property
    def scope(self) -> Literal["batch"]:
        """See rows in flight."""
        return "batch"

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give what the function makes of events; other tables pass.

        Raises:
            Permanent: the function gave something else than rows of the events table, or more
                rows than it was given.

        """
        if batch.table.name != EVENTS.name:
            return [batch]
        given = self.function(batch.records)
        if not isinstance(given, pa.RecordBatch):
            got = f"{type(given).__module__}.{type(given).__name__}"
            raise self._refuse(f"gave {got}. Return the pyarrow.RecordBatch")
        if given.num_rows > len(batch):
            counts = f"{given.num_rows} rows for {len(batch)}"
            raise self._refuse(f"gave {counts}. A processor may leave rows out, not add any")
        try:
            kept = batch.with_records(given)
        except ValueError as error:
            raise self._refuse(f"gave {error}") from error
        missing = len(batch) - len(kept)
        return [kept, *([Dropped(EVENTS, missing, self.name)] if missing else [])]

    def _refuse(self, words: str) -> Permanent:
        message = f"the function of processor {self.name!r} {words.rstrip('.')}."
        return Permanent(message, reason="bad_result")


def function_processor(name: str, function: RecordFunction) -> Factory:
    """Describe a function as a processor, to be passed to ``build(..., components=[...])``.

    ``name`` is how the configuration names it, and the reason under which the rows that it
    leaves out are counted. The function gets a ``pyarrow.RecordBatch`` of the events table and
    returns one of the same schema; it runs in a pipeline's thread.

    Raises:
        ConfigError: the name is not one that a configuration can hold, or what should be a
            function cannot be called.

    """
    problems = list(_complaints(name, function))
    if problems:
        raise ConfigError(*problems)
    return Factory(Kind.PROCESSOR, name, Config, partial(_build, name, function))


def _complaints(name: object, function: object) -> Iterator[Problem]:
    """Say what is no name, and what is no function, whatever the annotations promise."""
    at = f"processors.{name}"
    if not isinstance(name, str) or not is_component_type(name):
        hint = "Write letters, digits and `_`, beginning with a letter, such as `no_metrics`."
        yield Problem(at, "is not a name of a processor.", hint)
    if not callable(function):
        hint = "Give a function that takes and returns a pyarrow.RecordBatch."
        yield Problem(at, f"expected a function, got {function!r}.", hint)


def _build(
    name: str, function: RecordFunction, config: Config, settings: Settings
) -> FunctionProcessor:
    del config, settings
    return FunctionProcessor(name, function)
