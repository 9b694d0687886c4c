"""Put what a rule found into rows of `insights`: who, how bad, in what words, by what evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import REAL, TEXT, TEXTS, TIME
from ...session.groups import Groups, codes_of
from ...session.ids import hashes_of, uuid_of
from ...session.texts import counted as counted
from ...session.texts import json_objects, worded

MOST_EVIDENCE = 20

SCHEMA = pa.schema(
    [
        ("session_id", TEXT),
        ("insight_id", TEXT),
        ("kind", TEXT),
        ("severity", TEXT),
        ("category", TEXT),
        ("message", TEXT),
        ("payload", TEXT),
        ("at", TIME),
        ("turn_id", TEXT),
        ("cost_usd", REAL),
        ("evidence", TEXTS),
    ]
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What all findings of a rule have in common. ``message`` has slots for columns."""

    kind: str
    category: str
    message: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, a row each.

    ``subject`` tells it from other findings of the kind in its session, so that it has the same
    id in the next run. ``words`` fill the message, ``numbers`` are the payload.
    """

    session_id: pa.StringArray
    severity: pa.StringArray
    numbers: Mapping[str, pa.Array]
    at: pa.TimestampArray
    evidence: pa.ListArray
    subject: pa.StringArray | None = None
    words: Mapping[str, pa.Array] = field(default_factory=dict)
    turn_id: pa.StringArray | None = None
    cost_usd: pa.DoubleArray | None = None


def findings(rule: Rule, found: Found) -> pa.RecordBatch:
    """Give rows of SCHEMA."""
    count = len(found.session_id)
    subject = pa.repeat(pa.scalar(""), count) if found.subject is None else found.subject
    key = pc.binary_join_element_wise(rule.kind, found.session_id, pc.fill_null(subject, ""), "\n")
    columns = {
        "session_id": found.session_id,
        "insight_id": hashes_of(key),
        "kind": pa.repeat(pa.scalar(rule.kind), count),
        "severity": found.severity,
        "category": pa.repeat(pa.scalar(rule.category), count),
        "message": worded(rule.message, {**found.numbers, **found.words}),
        "payload": json_objects(found.numbers),
        "at": found.at,
        "turn_id": pa.nulls(count, TEXT) if found.turn_id is None else found.turn_id,
        "cost_usd": pa.nulls(count, REAL) if found.cost_usd is None else found.cost_usd,
        "evidence": found.evidence,
    }
    arrays = [columns[each.name].cast(each.type) for each in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def together(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Put the findings of all rules one behind the other."""
    rows = pa.Table.from_batches(list(parts), schema=SCHEMA).combine_chunks()
    batches = rows.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=SCHEMA)


def evidence_of(groups: Groups, event_id: pa.FixedSizeBinaryArray) -> pa.ListArray:
    """List the first events of each group, once each, MOST_EVIDENCE of them.

    Those that are not told are left out.
    """
    told = event_id.is_valid().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(told & (groups.of_row >= 0))
    pairs = codes_of(pa.array(groups.of_row), event_id)[rows]
    rows = rows[np.sort(np.unique(pairs, return_index=True)[1])]
    rows = rows[np.argsort(groups.of_row[rows], kind="stable")]
    group = groups.of_row[rows]
    sizes = np.bincount(group, minlength=groups.count)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = rows[place < MOST_EVIDENCE]
    ends = np.concatenate([[0], np.cumsum(np.minimum(sizes, MOST_EVIDENCE))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), uuid_of(event_id.take(pa.array(kept))))


def no_evidence(count: int) -> pa.ListArray:
    """Give so many empty lists: no single event shows what is a sum over a session."""
    ends = pa.array(np.zeros(count + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(ends, pa.array([], pa.string()))


def graded(worse: pa.BooleanArray, plain: str = "warning", bad: str = "critical") -> pa.StringArray:
    """Give the severity of each finding: ``bad`` where it is worse, else ``plain``."""
    return pc.if_else(pc.fill_null(worse, fill_value=False), pa.scalar(bad), pa.scalar(plain))
