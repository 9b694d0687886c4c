"""Rows are written for people and for programs."""

import csv
import datetime as dt
import decimal
import io
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agentpond.cli.formats import Format
from agentpond.cli.rows import write, write_csv, write_json, write_table

ROWS = pa.table(
    {
        "id": pa.array([bytes(range(16)), None], pa.binary(16)),
        "at": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, 6), None], pa.timestamp("us")),  # noqa: DTZ001 - the tables' times are naive UTC
        "sum": pa.array([decimal.Decimal(12), None], pa.decimal128(38, 0)),
        "cost": pa.array([0.25, float("nan")]),
        "map": pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())),
        "struct": pa.array([{"a": [b"\x01"]}, None]),
        "text": pa.array(['é "x"', None]),
    }
)
_STRUCT = pa.struct([("at", pa.timestamp("us"))])


def test_json_is_one_row_a_line() -> None:
    out = io.StringIO()

    write_json(ROWS, out)

    first, second = json.loads(out.getvalue())
    assert first == {
        "id": "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "at": "2026-01-02T03:04:05.000006",
        "sum": 12,
        "cost": 0.25,
        "map": {"k": "v"},
        "struct": {"a": ["01"]},
        "text": 'é "x"',
    }
    assert set(second.values()) == {None}
    assert len(out.getvalue().splitlines()) == 4


def test_a_time_after_the_year_9999_is_told_in_words_of_its_own() -> None:
    out = io.StringIO()
    late = pa.array([10**18, None], pa.timestamp("us"))
    rows = pa.table({"at": late, "in": pa.array([{"at": 10**18}, None], _STRUCT), "n": [1, 2]})

    write_json(rows, out)

    first, second = json.loads(out.getvalue())
    assert "1000000000000000000" in first["at"]
    assert first["in"] == {"at": first["at"]}
    assert (first["n"], second) == (1, {"at": None, "in": None, "n": 2})


def test_csv_leaves_null_empty_and_nests_json() -> None:
    out = io.StringIO()

    write_csv(ROWS, out)

    assert list(csv.reader(io.StringIO(out.getvalue()))) == [
        ["id", "at", "sum", "cost", "map", "struct", "text"],
        [
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "2026-01-02T03:04:05.000006",
            "12",
            "0.25",
            '{"k": "v"}',
            '{"a": ["01"]}',
            'é "x"',
        ],
        ["", "", "", "", "", "", ""],
    ]


def test_a_table_is_as_wide_as_its_rows_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    wide = "x" * 500

    write_table(pa.table({"a": [wide]}), out)

    assert wide in out.getvalue()


def test_a_table_takes_text_as_it_is() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": ["[bold]x[/bold]"]}), out)

    assert "[bold]x[/bold]" in out.getvalue()


def test_a_long_table_says_how_much_is_not_shown() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": list(range(1500))}), out)

    assert "... and 500 more rows" in out.getvalue()


def test_json_of_no_rows_is_an_empty_list() -> None:
    out = io.StringIO()

    write_json(ROWS.slice(0, 0), out)

    assert json.loads(out.getvalue()) == []


def test_parquet_holds_the_rows_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"

    write(ROWS, Format.PARQUET, path)

    assert pq.read_table(path).drop_columns(["cost"]).equals(ROWS.drop_columns(["cost"]))


def test_a_table_leaves_out_columns_without_a_value_and_says_so() -> None:
    out = io.StringIO()
    rows = pa.table({"a": [1, 2], "b": pa.nulls(2, pa.string()), "c": [None, "x"]})

    write_table(rows, out)

    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert re.findall(r"\w", lines[0]) == ["a", "c"]
    assert lines[-1] == "1 column is not shown: NULL in all rows above."


def test_a_table_of_nothing_but_null_keeps_its_columns() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": pa.nulls(1, pa.string())}), out)

    assert out.getvalue().splitlines()[0].strip() == "a"
    assert "not shown" not in out.getvalue()


def test_a_table_of_no_rows_keeps_its_columns() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": pa.nulls(0, pa.string()), "b": pa.nulls(0)}), out)

    assert re.findall(r"\w", out.getvalue().splitlines()[0]) == ["a", "b"]


def test_a_table_writes_twelve_digits_of_a_number() -> None:
    out = io.StringIO()

    write_table(pa.table({"a": [0.1 + 0.2]}), out)

    assert out.getvalue().splitlines()[-1].strip() == "0.3"


def test_a_table_puts_decimals_to_the_right_as_all_numbers() -> None:
    out = io.StringIO()
    sums = pa.array([decimal.Decimal(7), decimal.Decimal(12345)], pa.decimal128(38, 0))

    write_table(pa.table({"sum": sums}), out)

    assert [line.rstrip() for line in out.getvalue().splitlines()[-2:]] == ["     7", " 12345"]
