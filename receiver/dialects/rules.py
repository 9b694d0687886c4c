"""Say in tables what an agent calls things; a function only for what a table cannot say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from ...pipeline.core.schema import EVENTS
from ...pipeline.core.signal import Signal


class Columns(dict[str, pa.Array]):
    """Columns of events by name, all of ``rows`` rows; one that nobody told is all null.

    A name that begins with ``_`` is for the dialect's own use and does not reach the table.
    """

    def __init__(self, rows: int, told: Mapping[str, pa.Array] | None = None) -> None:
        """Hold the columns that are told."""
        super().__init__(told or {})
        self.rows = rows

    def __missing__(self, name: str) -> pa.Array:
        """Give nulls for a column that nobody told."""
        return pa.nulls(self.rows, column_type(name))


def column_type(name: str) -> pa.DataType:
    """Give a column's type: that of the events table, or for scratch the one in its name.

    A scratch column is a whole number if its name begins with ``_n_``, else text.
    """
    if name.startswith("_"):
        return pa.int64() if name.startswith("_n_") else pa.string()
    return EVENTS.schema.field(name).type


@dataclass(frozen=True, slots=True)
class Lift:
    """Take a column from attributes: the first of ``keys`` that a record tells.

    ``on`` limits it to some event names (without the dialect's prefix). ``pattern`` is a
    regular expression the value must match. With ``keep`` the attribute also stays where it is.
    ``scale`` is the attribute's unit in units of the column; one that is told in both units is
    taken if they agree within it.
    """

    column: str
    keys: tuple[str, ...]
    on: frozenset[str] = frozenset()
    pattern: str = ""
    keep: bool = False
    scale: float = 1.0


def lift(column: str, *keys: str, on: str = "", pattern: str = "") -> Lift:
    """Write a rule: our column from their attributes, on the events named in ``on``."""
    return Lift(column, keys, frozenset(on.split()), pattern)


def look(column: str, key: str) -> Lift:
    """Write a rule that lets ``derive`` see an attribute, which stays where it is."""
    return Lift(column, (key,), keep=True)


Derive = Callable[[Columns], Mapping[str, pa.Array]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one agent calls things.

    A record is of this dialect if its scope's name begins with one of ``scopes``, or its own
    name with ``prefix``; with ``short_names`` its log records tell their names without it.
    ``types`` maps its names (without the prefix) to our event types, by signal. ``derive`` gets
    the columns that the tables lifted and returns those to replace. ``mirrors`` are names of
    span events that repeat a log record; ``numbered`` says that log records count themselves.
    """

    agent: str | None
    lifts: Mapping[Signal, tuple[Lift, ...]]
    types: Mapping[Signal, Mapping[str, str]]
    derive: Mapping[Signal, Derive]
    prefix: str = ""
    scopes: tuple[str, ...] = ()
    short_names: bool = False
    mirrors: frozenset[str] = frozenset()
    numbered: bool = False
