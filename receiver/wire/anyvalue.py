"""Read AnyValue columns: scalars typed, and arrays, kvlists and bytes as JSON text."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.errors import Permanent
from .base64_text import base64_of_bytes
from .jsontext import join, number_text, quote
from .node import Node, Rows
from .official import check_told_once
from .scatter import last_wins, scatter

# protobuf refuses messages nested deeper than this, the request itself not counted.
_DEEPEST = 100
_SCALARS = ("string_value", "bool_value", "int_value", "double_value")

VALUES = pa.schema(
    {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "double": pa.float64(),
        "json": pa.string(),
    }
)
"""AnyValues, one column a kind; a row is null in all columns but that of its kind.

``json`` holds arrays and kvlists as JSON text, and bytes as base64 in quotes (OTLP's JSON
mapping). A row that is null everywhere is the empty value.
"""


def read_values(node: Node, level: int) -> pa.RecordBatch:
    """Read messages of type AnyValue into the columns of ``VALUES``.

    ``level`` says how many messages they are nested in.

    Raises:
        Permanent: a nested value does not decode, or values are nested too deep.
        ToldTwice: a value is told as two kinds.

    """
    scalars = [node.column(name) for name in _SCALARS]
    raw = node.column("bytes_value")
    held = {name: node.told(name) for name in ("array_value", "kvlist_value")}
    # Outside of profiles a string index stands for nothing, but it takes the place of the rest.
    index = node.column("string_value_strindex")
    check_told_once(_masks([*scalars, raw, index], held.values()))
    json = pa.nulls(len(node), pa.string())
    if _any(raw):
        json = pc.coalesce(json, quote(base64_of_bytes(raw)))
    if len(held["array_value"]):
        json = pc.coalesce(json, _array(node, level + 1))
    if len(held["kvlist_value"]):
        json = pc.coalesce(json, _kvlist(node, level + 1))
    return pa.record_batch([*scalars, json], schema=VALUES)


class ValueColumns(Protocol):
    """The columns of ``VALUES``, by name: a record batch, or a view of some of its rows."""

    def __len__(self) -> int:
        """Count the values."""

    def column(self, name: str, /) -> pa.Array:
        """Give one column."""


def text_of(values: ValueColumns) -> pa.Array:
    """Write values as text: strings as they are, anything else as JSON; empty is null."""
    return _first(values, values.column("string"))


def json_of(values: ValueColumns) -> pa.Array:
    """Write values as JSON text; empty is ``null``."""
    return pc.fill_null(_first(values, quote(values.column("string"))), "null")


def object_text(owners: int, owner: Rows, key: Rows, members: pa.Array) -> pa.Array:
    """Join each owner's members to a JSON object; of a key told twice the last stands.

    ``owner`` is ascending, ``key`` tells keys apart, ``members`` are texts ``"key":value``.
    """
    keep = last_wins(owner, key)
    return join(members.filter(pa.array(keep)), owner[keep], owners, "{", "}")


def member_text(keys: pa.Array, values: ValueColumns) -> pa.Array:
    """Write pairs as members of a JSON object."""
    return pc.binary_join_element_wise(quote(keys), json_of(values), ":")


def numbered(keys: pa.Array) -> Rows:
    """Tell keys apart by number."""
    codes: Rows = pc.dictionary_encode(keys).indices.to_numpy(zero_copy_only=False)
    return codes


def _first(values: ValueColumns, string: pa.Array) -> pa.Array:
    text = string
    if not text.null_count:
        return text
    for kind, write in (("integer", _plain), ("double", number_text), ("boolean", _plain)):
        if _any(numbers := values.column(kind)):
            text = pc.coalesce(text, write(numbers))
    return pc.coalesce(text, values.column("json")) if _any(values.column("json")) else text


def _plain(scalars: pa.Array) -> pa.Array:
    return scalars.cast(pa.string())


def _array(node: Node, level: int) -> pa.Array:
    rows, owner, elements = node.nested("array_value")
    _check_level(level + bool(len(elements)))
    text = json_of(read_values(elements, level + 1))
    return scatter(join(text, owner, len(rows), "[", "]"), rows, len(node))


def _kvlist(node: Node, level: int) -> pa.Array:
    rows, owner, pairs = node.nested("kvlist_value")
    _check_level(level + bool(len(pairs)) + bool(len(pairs.told("value"))))
    keys, values = pairs.column("key"), read_values(pairs.child("value"), level + 2)
    text = object_text(len(rows), owner, numbered(keys), member_text(keys, values))
    return scatter(text, rows, len(node))


def _check_level(level: int) -> None:
    if level > _DEEPEST:
        raise Permanent(
            f"an attribute's value is nested in more than {_DEEPEST} messages. Send it flat, "
            "or as JSON text in a string value.",
            reason="nested_too_deep",
        )


def _masks(columns: Sequence[pa.Array], held: Iterable[Rows]) -> Iterator[npt.NDArray[np.bool_]]:
    """Mark, for each kind that occurs, the values that are of it."""
    for column in columns:
        if _any(column):
            yield column.is_valid().to_numpy(zero_copy_only=False)
    for rows in held:
        if len(rows):
            mask = np.zeros(len(columns[0]), dtype=bool)
            mask[rows] = True
            yield mask


def _any(array: pa.Array) -> bool:
    return bool(array.null_count < len(array))
