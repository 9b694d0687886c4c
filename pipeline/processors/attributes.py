"""Change what events carry beside the known: keep, drop, rename and set attributes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..core.batch import Batch, Dropped
from ..core.columns import Entries, choose, entries, map_column, put
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS, UUID

_STRICT = ConfigDict(
    extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True
)

# What tells rows apart and where they came from is not the user's to set.
_FIXED = ("event_id", "resource_id", "position")

Keys = Annotated[tuple[str, ...], Field(min_length=1)]
Value = bool | int | float | str | datetime


class Keep(BaseModel):
    """Keep these attributes and no others (`*` and `?` work)."""

    model_config = _STRICT

    action: Literal["keep"]
    keys: Keys


class Drop(BaseModel):
    """Drop these attributes (`*` and `?` work)."""

    model_config = _STRICT

    action: Literal["drop"]
    keys: Keys


class Rename(BaseModel):
    """Give an attribute another key; what stood under that key goes."""

    model_config = _STRICT

    action: Literal["rename"]
    old: str = Field(alias="from", min_length=1)
    new: str = Field(alias="to", min_length=1)


class Set(BaseModel):
    """Set an attribute, or a column of `events`, to one value in every event."""

    model_config = _STRICT

    action: Literal["set"]
    key: str | None = Field(default=None, min_length=1)
    column: str | None = None
    value: Value
    only_missing: bool = False
    """Leave the events alone that already tell it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.key is None) == (self.column is None):
            msg = "name either the `key` of an attribute or a `column`."
            raise ValueError(msg)
        if self.column is not None:
            constant(self.column, self.value)
        return self


_ACTIONS = ("keep", "drop", "rename", "set")


def _known(action: object) -> object:
    """Refuse an action nobody knows, in words of ours; all else is the models' to judge."""
    if not isinstance(action, Mapping):
        return action
    name = action.get("action")
    if name in _ACTIONS:
        return action
    said = "name an `action`." if name is None else f"there is no action {name!r}."
    close = get_close_matches(str(name), _ACTIONS, n=1)
    instead = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(_ACTIONS)}."
    msg = f"{said} {instead}"
    raise ValueError(msg)


Action = Annotated[
    Keep | Drop | Rename | Set, Field(discriminator="action"), BeforeValidator(_known)
]


class Config(BaseModel):
    """Keep, drop, rename and set attributes, and set columns, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    actions: tuple[Action, ...] = ()
    """What to do, in order; each sees what the one before it left."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Carries out the actions on events; other tables pass."""

    config: Config
    scope: Literal["batch"] = field(default="batch")

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give the same events with other attributes."""
        if batch.table.name != EVENTS.name or len(batch) == 0 or not self.config.actions:
            yield batch
            return
        told = before = entries(batch.records.column("attributes"))
        for action in self.config.actions:
            if isinstance(action, Set) and action.column is not None:
                batch = _set_column(batch, action)
            else:
                told = _changed(told, action)
        yield batch if told is before else batch.with_column("attributes", map_column(told))


def constant(column: str, value: Value) -> pa.Scalar:
    """Turn a value into one of a column's type.

    Raises:
        ValueError: there is no such column, it is not to be set, or the value does not fit.

    """
    settable = {f.name: f.type for f in EVENTS.schema if _settable(f)}
    if column not in settable:
        close = get_close_matches(column, settable, n=1)
        instead = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(settable)}."
        msg = f"{column!r} is no column of `events` that can be set. {instead}"
        raise ValueError(msg)
    try:
        return pa.scalar(_literal(value, settable[column]), settable[column])
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        msg = f"{value!r} does not fit column {column!r} ({settable[column]}): {error}."
        raise ValueError(msg) from error


def _settable(column: pa.Field) -> bool:
    return column.name not in _FIXED and column.type != UUID and not pa.types.is_nested(column.type)


def _literal(value: Value, kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if isinstance(value, bool) and not pa.types.is_boolean(kind):
        msg = "a boolean"
        raise TypeError(msg)
    return value


def _set_column(batch: Batch, action: Set) -> Batch:
    name = str(action.column)
    value = pa.repeat(constant(name, action.value), len(batch))
    if action.only_missing:
        value = pc.coalesce(batch.records.column(name), value)
    return batch.with_column(name, value)


def _changed(told: Entries, action: Keep | Drop | Rename | Set) -> Entries:
    match action:
        case Keep(keys=patterns):
            return told.where(_fitting(told, patterns))
        case Drop(keys=patterns):
            return told.where(pc.invert(_fitting(told, patterns)))
        case Rename(old=old, new=new):
            return _renamed(told, old, new)
        case Set():
            return _set(told, str(action.key), _text(action.value), action.only_missing)


def _fitting(told: Entries, patterns: Iterable[str]) -> pa.Array:
    return choose(told.keys, lambda key: any(fnmatchcase(key, each) for each in patterns))


def _renamed(told: Entries, old: str, new: str) -> Entries:
    if old == new:
        return told
    moved = pc.equal(told.keys, old)
    # A map with one key twice is refused by DuckDB.
    there = pc.and_(
        pc.equal(told.keys, new), pc.is_in(told.rows, value_set=told.rows.filter(moved))
    )
    left = told.where(pc.invert(there))
    return left.with_keys(pc.if_else(pc.equal(left.keys, old), new, left.keys))


def _set(told: Entries, key: str, text: str, only_missing: bool) -> Entries:
    rows = pa.arange(0, len(told.missing))
    if only_missing:
        have = told.rows.filter(pc.equal(told.keys, key))
        rows = rows.filter(pc.invert(pc.is_in(rows, value_set=have.cast(pa.int64()))))
    return put(told, rows, key, pa.repeat(pa.scalar(text, pa.string()), len(rows)))


def _text(value: Value) -> str:
    """Write a value as attributes hold it: booleans and numbers as JSON text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _build(config: Config, settings: Settings) -> Attributes:  # noqa: ARG001
    return Attributes(config)


factory = Factory(Kind.PROCESSOR, "attributes", Config, _build)
