"""Keep or leave out events by what their columns and attributes say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..core.batch import Batch, Dropped
from ..core.columns import any_of, lookup
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS

REASON = "filter"
"""The word that rows are counted under if their condition has no name."""

_NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"
_COMPARABLE = (pa.types.is_integer, pa.types.is_floating, pa.types.is_timestamp)

Operator = Literal["equals", "in", "matches", "greater", "less", "present", "absent"]
Value = bool | int | float | datetime | date | str


class Condition(BaseModel):
    """What one column or attribute must say. What is not told fulfils nothing but `absent`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(default=REASON, min_length=1)
    """The reason that rows this condition drops are counted under."""

    column: str | None = None
    attribute: str | None = None

    op: Operator = "equals"
    """`matches` takes a regular expression (RE2) and looks for it anywhere in the text."""

    value: Value | tuple[Value, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.column is None) == (self.attribute is None):
            msg = "name either a `column` or an `attribute`."
            raise ValueError(msg)
        if self.column is not None and self.column not in EVENTS.schema.names:
            msg = f"`events` has no column {self.column!r}. {_instead(self.column)}"
            raise ValueError(msg)
        _check_operator(self)
        return self


class Config(BaseModel):
    """Keep the events that fulfil a condition, or leave out those that do."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    include: tuple[Condition, ...] = ()
    """Only events that fulfil one of these stay; without any, all do."""

    exclude: tuple[Condition, ...] = ()
    """Events that fulfil one of these go, also if they were included."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Drops events by condition; other tables pass."""

    config: Config
    scope: Literal["batch"] = field(default="batch")

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give the events that stay, and how many went by which condition."""
        if batch.table.name != EVENTS.name or not (self.config.include or self.config.exclude):
            yield batch
            return
        staying, gone = self._judge(batch.records)
        for reason, rows in gone.items():
            yield Dropped(EVENTS, rows, reason)
        yield batch.with_records(batch.records.filter(staying)) if gone else batch

    def _judge(self, rows: pa.RecordBatch) -> tuple[pa.Array, Mapping[str, int]]:
        staying = any_of((_mask(rows, each) for each in self.config.include), rows.num_rows)
        if not self.config.include:
            staying = pc.invert(staying)
        gone = {REASON: rows.num_rows - staying.true_count}
        for condition in self.config.exclude:
            # A row goes once: by the first condition that it fulfils.
            left = pc.and_(staying, pc.invert(_mask(rows, condition)))
            gone[condition.name] = (
                gone.get(condition.name, 0) + staying.true_count - left.true_count
            )
            staying = left
        return staying, {reason: count for reason, count in gone.items() if count}


def _instead(column: str) -> str:
    known = EVENTS.schema.names
    close = get_close_matches(column, known, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known)}."


def _check_operator(told: Condition) -> None:
    values, kind = _values(told), _type(told)
    if told.op in ("present", "absent"):
        if values:
            msg = f"`{told.op}` takes no `value`."
            raise ValueError(msg)
        return
    if told.op == "in" and not isinstance(told.value, tuple):
        msg = "`in` takes a list as `value`."
        raise ValueError(msg)
    if told.op != "in" and (len(values) != 1 or isinstance(told.value, tuple)):
        msg = f"`{told.op}` takes one `value`."
        raise ValueError(msg)
    if told.op == "matches":
        _check_pattern(told.value, kind)
    elif told.op in ("greater", "less"):
        kind = pa.float64() if told.attribute is not None else kind
        if not any(fits(kind) for fits in _COMPARABLE):
            msg = f"`{told.op}` needs a number or a time, and {told.column!r} is {kind}."
            raise ValueError(msg)
        _literals(values, kind)
    else:
        _literals(values, kind)


def _check_pattern(pattern: object, kind: pa.DataType) -> None:
    if kind != pa.string() or not isinstance(pattern, str):
        msg = "`matches` needs a text column or an attribute, and a regular expression as `value`."
        raise ValueError(msg)
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        msg = f"{pattern!r} is not a regular expression RE2 takes: {error}."
        raise ValueError(msg) from error


def _type(told: Condition) -> pa.DataType:
    return EVENTS.schema.field(told.column).type if told.column else pa.string()


def _values(told: Condition) -> tuple[Value, ...]:
    if told.value is None:
        return ()
    return told.value if isinstance(told.value, tuple) else (told.value,)


def _literals(values: Sequence[Value], kind: pa.DataType) -> pa.Array:
    """Turn values from a configuration into Arrow's, or say why they do not fit the column."""
    try:
        return pa.array([_literal(value, kind) for value in values], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError) as error:
        msg = f"{list(values)} cannot be compared with {kind}: {error}."
        raise ValueError(msg) from error


def _literal(value: Value, kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if kind == pa.string():
        # As attributes hold them: booleans and numbers as JSON text.
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, bool) != pa.types.is_boolean(kind):
        msg = f"{value!r} is not {kind}"
        raise TypeError(msg)
    return value


def _mask(rows: pa.RecordBatch, told: Condition) -> pa.Array:
    """Mask the rows that fulfil a condition; never NULL."""
    subject = rows.column(told.column) if told.column else _attribute(rows, str(told.attribute))
    if told.op in ("present", "absent"):
        present = pc.is_valid(subject)
        return present if told.op == "present" else pc.invert(present)
    return pc.fill_null(_compared(subject, told), fill_value=False)


def _compared(subject: pa.Array, told: Condition) -> pa.Array:
    if told.op == "matches":
        return pc.match_substring_regex(subject, str(told.value))
    if told.op in ("equals", "in"):
        literals = _literals(_values(told), subject.type)
        return pc.is_in(subject, value_set=literals, skip_nulls=True)
    if told.attribute is not None:
        subject = _numbers(subject)
    limit = _literals(_values(told), subject.type)[0]
    return pc.greater(subject, limit) if told.op == "greater" else pc.less(subject, limit)


def _attribute(rows: pa.RecordBatch, key: str) -> pa.Array:
    return lookup(rows.column("attributes"), key)


def _numbers(texts: pa.Array) -> pa.Array:
    """Read the texts that are numbers; the others are NULL."""
    number = pc.match_substring_regex(texts, _NUMBER)
    told = pc.if_else(number, pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string()))
    return pc.utf8_ltrim(told, characters="+").cast(pa.float64())


def _build(config: Config, settings: Settings) -> Filter:  # noqa: ARG001
    return Filter(config)


factory = Factory(Kind.PROCESSOR, "filter", Config, _build)
