"""Pass the rows of a made table through a function, part by part, and store what differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ....pipeline.core.batch import Table
from ....pipeline.core.errors import Permanent
from ....pipeline.core.schema import TIME
from ..arrival import marked
from ..sql import quoted, registered
from .selecting import raw

_PART_ROWS = 200_000
_TIME = "time"

_MADE = """
UPDATE processor_runs AS old SET made_change = $change
FROM (SELECT number FROM session_changes SEMI JOIN remade USING (session_id)) AS touched
WHERE old.processor = $processor AND old.session = touched.number
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a table that meet a condition, in SQL, with what is to be filled in."""

    table: Table
    where: str
    given: dict[str, datetime]

    def read(self, cursor: duckdb.DuckDBPyConnection) -> pa.RecordBatch:
        """Read the rows in the table's schema."""
        columns = ", ".join(
            f"{raw('old', each)} AS {quoted(each.name)}" for each in self.table.schema
        )
        sql = f"SELECT {columns} FROM {quoted(self.table.name)} AS old WHERE {self.where}"  # noqa: S608 - quoted
        rows = cursor.sql(sql, params=self.given).to_arrow_table().cast(self.table.schema)
        return _one(rows)

    def put(
        self, writer: duckdb.DuckDBPyConnection, remade: "Remade", processor: str, change: int
    ) -> None:
        """Write other values into the columns that differ, in a transaction."""
        key = dict.fromkeys(("session_id", *self.table.key))
        same = " AND ".join(f"old.{quoted(name)} = remade.{quoted(name)}" for name in key)
        sets = ", ".join(f"{quoted(name)} = remade.{quoted(name)}" for name in remade.columns)
        rows = remade.rows.select([*key, *(name for name in remade.columns if name not in key)])
        with registered(writer, "remade", marked(rows)):
            writer.execute(
                f"UPDATE {quoted(self.table.name)} AS old SET {sets} "  # noqa: S608 - quoted
                f"FROM remade WHERE {same} AND {self.where}",
                self.given,
            )
            writer.execute(_MADE, {"processor": processor, "change": change})


@dataclass(frozen=True, slots=True)
class Remade:
    """Rows that came out otherwise than they went in, and the columns in which they did."""

    rows: pa.Table
    columns: tuple[str, ...]


def parts_of(
    cursor: duckdb.DuckDBPyConnection, table: Table, since_us: int | None
) -> Iterator[Part]:
    """Cut a table into parts of about 200,000 rows.

    By time and not by number of the row: DuckDB numbers rows anew when it cleans up, and rows
    of one time stand together.
    """
    if _TIME not in table.schema.names:
        msg = f"rows of {table.name!r} have no `time` to take them by. Give a table that has it."
        raise Permanent(msg, reason="bad_table")
    since = None if since_us is None else _moment(since_us)
    cuts = [since, *_cuts(cursor, table, since), None]
    parts = [_between(table, first, end) for first, end in pairwise(cuts)]
    timeless = Part(table, 'old."time" IS NULL', {})
    return iter(parts if since is not None else [*parts, timeless])


def differing(before: pa.RecordBatch, after: pa.RecordBatch, table: Table) -> Remade:
    """Tell the rows in which a function changed something.

    Raises:
        Permanent: it gave other rows, or changed what they are found by.

    """
    if not after.schema.equals(before.schema) or len(after) != len(before):
        msg = f"rows of {table.name!r} came back as others. Give as many, in the same columns."
        raise Permanent(msg, reason="bad_result")
    masks = {name: _differ(before.column(name), after.column(name)) for name in before.schema.names}
    columns = tuple(name for name, mask in masks.items() if mask.any())
    if wrong := {"session_id", _TIME, *table.key} & set(columns):
        msg = f"rows of {table.name!r} came back with other {sorted(wrong)}. Leave those as is."
        raise Permanent(msg, reason="bad_result")
    mask = np.logical_or.reduce([masks[name] for name in columns]) if columns else []
    rows = pa.Table.from_batches([after])
    return Remade(rows.filter(pa.array(mask, pa.bool_())) if columns else rows.slice(0, 0), columns)


def _moment(since_us: int) -> datetime:
    try:
        moment: datetime = pa.scalar(since_us, TIME).as_py()
    except (OverflowError, ValueError) as error:
        msg = f"`since_us` is {since_us}, which is in no year from 1 to 9999. Give another time."
        raise Permanent(msg, reason="bad_request") from error
    return moment


def _cuts(
    cursor: duckdb.DuckDBPyConnection, table: Table, since: datetime | None
) -> list[datetime]:
    """Give times between which there are about as many rows as a part should have."""
    of_table = f'FROM {quoted(table.name)} WHERE $since IS NULL OR "time" >= $since'
    counted = cursor.execute(f"SELECT count(*) {of_table}", {"since": since}).fetchall()
    parts = int(counted[0][0]) // _PART_ROWS + 1
    shares = ", ".join(str(number / parts) for number in range(1, parts))
    if not shares:
        return []
    sql = f'SELECT unnest(approx_quantile("time", [{shares}])) {of_table}'
    found = cursor.execute(sql, {"since": since}).fetchall()
    return sorted({time for (time,) in found if time is not None})


def _between(table: Table, first: datetime | None, end: datetime | None) -> Part:
    conditions = ['old."time" IS NOT NULL'] if first is None and end is None else []
    conditions += [] if first is None else ['old."time" >= $first']
    conditions += [] if end is None else ['old."time" < $end']
    given = {"first": first, "end": end}
    return Part(
        table,
        " AND ".join(conditions),
        {name: time for name, time in given.items() if time is not None},
    )


def _differ(before: pa.Array, after: pa.Array) -> npt.NDArray[np.bool_]:
    if before.equals(after):
        return np.zeros(len(before), dtype=np.bool_)
    if pa.types.is_nested(before.type):
        # Arrow does not compare lists row by row; those that stayed the same are written too.
        return np.ones(len(before), dtype=np.bool_)
    same = pc.or_(
        pc.and_(before.is_null(), after.is_null()),
        pc.fill_null(pc.equal(before, after), fill_value=False),
    )
    if pa.types.is_floating(before.type):
        neither = pc.and_(pc.is_nan(before), pc.is_nan(after))
        same = pc.or_(same, pc.fill_null(neither, fill_value=False))
    mask: npt.NDArray[np.bool_] = pc.invert(same).to_numpy(zero_copy_only=False)
    return mask


def _one(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)
