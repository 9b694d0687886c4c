"""Carry rows: a batch is rows of one table, a delivery is all that a stretch of the log became."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """A named schema. ``key`` names the columns that tell one row from another."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table in Arrow."""

    table: Table
    records: pa.RecordBatch

    def __post_init__(self) -> None:
        """Refuse rows that are not of the table's schema.

        Raises:
            ValueError: the columns' names, order or types differ from the table's.

        """
        if self.records.schema.equals(self.table.schema):
            return
        told = {field.name: field.type for field in self.records.schema}
        asked = {field.name: field.type for field in self.table.schema}
        wrong = [name for name in {**asked, **told} if told.get(name) != asked.get(name)]
        msg = (
            f"not rows of table {self.table.name!r}: columns {wrong or 'in another order'} differ. "
            f"Keep the schema of Table.schema; new facts go to the `attributes` column."
        )
        raise ValueError(msg)

    def __len__(self) -> int:
        """Count the rows."""
        return int(self.records.num_rows)

    def with_column(self, name: str, values: pa.Array) -> "Batch":
        """Give the same rows with one column replaced by ``values`` (cast to its type)."""
        at = self.records.schema.get_field_index(name)
        field = self.table.schema.field(name)
        records = self.records.set_column(at, field, values.cast(field.type))
        return Batch(self.table, records)

    def with_records(self, records: pa.RecordBatch) -> "Batch":
        """Give a batch of the same table with other rows."""
        return Batch(self.table, records)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows of a table that were given up, with the reason they are counted under."""

    table: Table
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that one stretch of the log became in one pipeline.

    The stretch is ``[start, end)`` of the log ``log_id``. An exporter that keeps ``end``
    together with the rows never sees the stretch again.
    """

    pipeline: str
    log_id: str
    start: int
    end: int
    batches: tuple[Batch, ...]

    def rows(self, table: Table) -> int:
        """Count the rows of one table."""
        return sum(len(batch) for batch in self.batches if batch.table.name == table.name)
