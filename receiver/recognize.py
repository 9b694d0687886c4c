"""Tell what each record calls itself, and whose dialect it speaks.

Scope and name decide, never ``service.name``: child processes inherit it from the environment
(reference: field notes b11).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.signal import Signal
from .dialects.rules import Dialect
from .lifting import Keyed, lift_text
from .wire.records import Records

_NULL_TEXT = pa.scalar(None, pa.string())

# Rust's tracing bridge fills event_name with the place in the source: "event otel/src/a.rs:7".
_JUNK = r"^event .+:[0-9]+$"
_IN_BODY = r"^[a-z_]+(\.[a-z_]+)+$"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of records: ``full`` as in the table, and ``short`` without the dialect's prefix.

    ``short`` is dictionary-encoded, so that rules look at each name once.
    """

    full: pa.Array
    short: pa.DictionaryArray

    def among(self, names: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Mark the records that have one of these names."""
        known = pc.is_in(self.short.dictionary, pa.array(sorted(names), pa.string()))
        marks = known.take(self.short.indices)
        marked: npt.NDArray[np.bool_] = pc.fill_null(marks, pa.scalar(False)).to_numpy(
            zero_copy_only=False
        )
        return marked

    def translated(self, words: dict[str, str], other: str) -> pa.Array:
        """Give each record the word for its name; ``other`` where there is none."""
        names = self.short.dictionary
        at = pc.index_in(names, pa.array(list(words), pa.string()))
        told = pc.fill_null(pa.array(list(words.values()), pa.string()).take(at), pa.scalar(other))
        return pc.fill_null(told.take(self.short.indices), pa.scalar(other))


def raw_names(records: Records, keyed: Keyed) -> pa.Array:
    """Give what each record calls itself; null where it does not.

    OTLP's own field ``event_name`` comes first, then the attribute ``event.name``, which older
    SDKs and both agents use; a body that looks like a name comes last.
    """
    if records.signal is not Signal.LOGS:
        return records.items.column("name")
    field, body = records.items.column("event_name"), records.items.column("body")
    junk = pc.or_(pc.equal(field, pa.scalar("")), pc.match_substring_regex(field, _JUNK))
    field = pc.if_else(junk, _NULL_TEXT, field)
    names = lift_text(keyed, "event.name", field)
    if names.null_count:
        named = pc.fill_null(pc.match_substring_regex(body, _IN_BODY), pa.scalar(False))
        names = pc.coalesce(names, pc.if_else(named, body, _NULL_TEXT))
    return names


def dialect_of(
    records: Records, names: pa.Array, dialects: Sequence[Dialect]
) -> npt.NDArray[np.int64]:
    """Tell each record's dialect by number: the first that knows it, else the last of all."""
    encoded = pc.dictionary_encode(names)
    scope = records.items.column("scope")
    number = np.full(records.items.num_rows, len(dialects) - 1, dtype=np.int64)
    for at in reversed(range(len(dialects) - 1)):
        dialect = dialects[at]
        by_scope = _begins(records.scopes.column("name"), dialect.scopes).take(scope)
        by_name = _begins(encoded.dictionary, (dialect.prefix,)).take(encoded.indices)
        known = pc.or_kleene(by_scope, pc.fill_null(by_name, pa.scalar(False)))
        number[pc.fill_null(known, pa.scalar(False)).to_numpy(zero_copy_only=False)] = at
    return number


def names_of(raw: pa.Array, dialect: Dialect, signal: Signal) -> Names:
    """Put the dialect's prefix where log records leave it out, and take it off for the rules."""
    encoded = pc.dictionary_encode(raw)
    names = encoded.dictionary
    prefixed = _begins(names, (dialect.prefix,))
    short = pc.if_else(prefixed, pc.utf8_slice_codeunits(names, len(dialect.prefix)), names)
    full = names
    if dialect.short_names and signal is Signal.LOGS:
        full = pc.binary_join_element_wise(dialect.prefix, short, "")
    return Names(full.take(encoded.indices), pa.DictionaryArray.from_arrays(encoded.indices, short))


def _begins(names: pa.Array, prefixes: Sequence[str]) -> pa.Array:
    marks = pa.repeat(pa.scalar(False), len(names))
    for prefix in prefixes:
        begins = pc.fill_null(pc.starts_with(names, prefix), pa.scalar(False))
        marks = pc.or_(marks, begins)
    return marks
