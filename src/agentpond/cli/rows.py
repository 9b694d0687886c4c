"""Write an Arrow table for people and for other programs: table, JSON, CSV or Parquet."""

import csv
import datetime as dt
import decimal
import json
import math
import sys
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .formats import Format
from .shown import harmless

SHOWN_ROWS = 1000
UNLIMITED_WIDTH = 1_000_000


def write(rows: pa.Table, form: Format, output: Path | None) -> None:
    """Write rows to a file, or to stdout where there is none. Raises OSError."""
    if form is Format.PARQUET:
        with output.open("wb") if output else nullcontext(sys.stdout.buffer) as binary:
            write_parquet(rows, binary)
            binary.flush()
        return
    writer = {Format.TABLE: write_table, Format.JSON: write_json, Format.CSV: write_csv}[form]
    with output.open("w", encoding="utf-8") if output else nullcontext(sys.stdout) as text:
        writer(rows, text)
        text.flush()


def objects(rows: pa.Table) -> list[dict[str, Any]]:
    """Give rows as objects of values that JSON knows."""
    return [dict(zip(rows.column_names, values, strict=True)) for values in _lines(rows)]


def write_table(rows: pa.Table, out: TextIO) -> None:
    """Draw the first rows as a table, without the columns in which none of them has a value.

    On a terminal it is as wide as that.
    """
    shown, empty = _without_empty(rows.slice(0, SHOWN_ROWS))
    console = Console(file=out, width=None if out.isatty() else UNLIMITED_WIDTH)
    table = Table(show_edge=False)
    for field in shown.schema:
        table.add_column(Text(field.name), justify="right" if _is_number(field.type) else "left")
    for values in _lines(shown):
        table.add_row(*(Text(_shown(value)) for value in values))
    console.print(table)
    if empty:
        are = "column is" if empty == 1 else "columns are"
        console.print(f"{empty} {are} not shown: NULL in all rows above.")
    if rows.num_rows > SHOWN_ROWS:
        more = rows.num_rows - SHOWN_ROWS
        console.print(f"... and {more:,} more rows; --format csv, json or parquet gives them all.")


def _without_empty(rows: pa.Table) -> tuple[pa.Table, int]:
    """Leave out columns that are NULL throughout, unless that leaves none; count them."""
    told = [at for at in range(rows.num_columns) if rows.column(at).null_count < len(rows)]
    if not told:
        return rows, 0
    return rows.select(told), rows.num_columns - len(told)


def _is_number(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def write_json(rows: pa.Table, out: TextIO) -> None:
    """Write a JSON array of objects, one row a line."""
    names = rows.column_names
    out.write("[")
    for number, values in enumerate(_lines(rows)):
        line = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
        out.write(f"{',' if number else ''}\n{line}")
    out.write("\n]\n")


def write_csv(rows: pa.Table, out: TextIO) -> None:
    """Write CSV with a header; NULL is empty, lists and maps are JSON text."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.column_names)
    for values in _lines(rows):
        writer.writerow(["" if value is None else _cell(value) for value in values])


def write_parquet(rows: pa.Table, out: IO[bytes]) -> None:
    """Write a Parquet file."""
    pq.write_table(rows, out, compression="zstd")


def _lines(rows: pa.Table) -> Iterator[list[Any]]:
    """Yield rows as values that JSON knows."""
    for batch in rows.to_batches(max_chunksize=SHOWN_ROWS):
        columns = [_values(batch.column(at)) for at in range(batch.num_columns)]
        for values in zip(*columns, strict=True):
            yield list(values)


def _values(column: "pa.Array[Any]") -> list[Any]:
    kind = column.type
    try:
        values = column.to_pylist()
    except (OverflowError, ValueError):
        # DuckDB knows times after the year 9999, and `infinity`; Python knows neither.
        kind = _untimed(kind)
        values = column.cast(kind).to_pylist()
    return [_plain(value, kind) for value in values]


def _untimed(kind: Any) -> Any:
    """Give the type with texts in the place of times, in lists and structs too."""
    types = pa.types
    if types.is_timestamp(kind) or types.is_date(kind):
        return pa.string()
    if types.is_struct(kind):
        return pa.struct([(each.name, _untimed(each.type)) for each in kind])
    if types.is_list(kind):
        return pa.list_(_untimed(kind.value_type))
    return kind


def _plain(value: Any, kind: Any) -> Any:  # noqa: PLR0911 - one answer for each type
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case decimal.Decimal():
            # DuckDB sums BIGINT into HUGEINT, which Arrow carries as a decimal.
            return int(value) if value == value.to_integral_value() else float(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case bytes():
            return str(uuid.UUID(bytes=value)) if _is_uuid(kind) else value.hex()
        case dict():
            return {key: _plain(each, kind.field(key).type) for key, each in value.items()}
        case list() if pa.types.is_map(kind):
            return {str(key): _plain(each, kind.item_type) for key, each in value}
        case list():
            return [_plain(each, kind.value_type) for each in value]
        case _:
            return str(value)


def _is_uuid(kind: Any) -> bool:
    return bool(pa.types.is_fixed_size_binary(kind)) and kind.byte_width == 16  # noqa: PLR2004


def _shown(value: Any) -> str:
    # 0.1 + 0.2 is 0.30000000000000004, which helps nobody who reads a table.
    return f"{value:.12g}" if isinstance(value, float) else harmless(_cell(value))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
