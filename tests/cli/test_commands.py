"""Each command does what its help says, and its exit code tells how it went."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from agentpond.config.load import parse

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]
Values = dict[str, Any]
Write = Callable[[Values], str]


def make_store(path: Path) -> str:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL")
    return str(path)


def test_help_names_every_command_and_the_exit_codes(agentpond: Run) -> None:
    done = agentpond("--help")

    commands = (
        "serve",
        "validate",
        "components",
        "query",
        "process",
        "reprice",
        "insights",
        "errors",
        "compare",
        "stalled",
        "config",
        "version",
    )
    for word in (*commands, "Exit codes"):
        assert word in done.stdout
    assert done.returncode == 0


def test_version_is_that_of_the_package(agentpond: Run) -> None:
    done = agentpond("version")

    assert done.stdout.startswith("agentpond 0.")


def test_validate_says_what_serve_would_run(
    inside: Run, values: Values, write_config: Write, tmp_path: Path
) -> None:
    config = write_config(values)

    done = inside("validate", config)

    assert done.stdout.splitlines() == [
        f"OK: {config}",
        "  pipeline agents: otlp -> duckdb",
        "  listens on 127.0.0.1:0 (receivers.otlp.protocols.grpc.endpoint)",
        "  listens on 127.0.0.1:0 (receivers.otlp.protocols.http.endpoint)",
        "  listens on 127.0.0.1:0 (service.telemetry.endpoint)",
        f"  keeps rows in {tmp_path / 'a.duckdb'} (exporters.duckdb.path)",
        f"  log: {tmp_path / 'state' / 'log'}, at most 1GiB",
        f"  dead letters: {tmp_path / 'state' / 'dead'}",
        "  what it says of itself goes to stderr",
    ]
    assert done.returncode == 0
    assert [each.name for each in tmp_path.iterdir()] == ["agentpond.yaml"]


def test_validate_tells_every_mistake_and_exits_with_2(
    inside: Run, values: Values, write_config: Write
) -> None:
    values["exporters"]["duckdb"] = {"pat": "x"}
    values["service"]["pipelines"]["agents"]["processors"] = ["redcat"]

    done = inside("validate", write_config(values))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert done.stdout == ""


def test_validate_says_that_a_service_without_telemetry_cannot_be_asked(
    inside: Run, values: Values, write_config: Write
) -> None:
    values["service"]["telemetry"] = None

    done = inside("validate", write_config(values))

    assert "  no telemetry: `agentpond query` cannot ask the service while it runs" in done.stdout


def test_validate_warns_of_what_is_not_used(
    inside: Run, values: Values, write_config: Write
) -> None:
    values["processors"] = {"cost": None}

    done = inside("validate", write_config(values))

    assert "processors.cost: is defined, but no pipeline names it" in done.stderr
    assert done.returncode == 0


def test_validate_without_a_file_checks_the_default(inside: Run) -> None:
    done = inside("validate")

    assert done.stdout.startswith("OK: (built-in default)\n")


def test_components_lists_options_with_defaults(inside: Run) -> None:
    done = inside("components", "duckdb")

    assert "exporters: duckdb Keep all rows in one DuckDB file." in done.stdout
    assert "agentpond.duckdb" in done.stdout


def test_components_says_what_a_processor_makes_of_sessions(inside: Run) -> None:
    done = inside("components", "turns")

    assert "scope: session; reads events, api_calls, tool_calls; makes turns;" in done.stdout


def test_components_of_an_unknown_name_are_an_error(inside: Run) -> None:
    done = inside("components", "duckbd")

    assert done.returncode == 2
    assert done.stderr == "there is no component `duckbd`. List all: agentpond components\n"


def test_a_component_of_another_package_is_listed(tmp_path: Path) -> None:
    install_third_party(tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "agentpond", "components", "shout"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path)},
    )

    assert done.stdout.startswith("processors: shout Run a function")


def install_third_party(directory: Path) -> None:
    """Install a package as pip would, with an entry point of ours."""
    (directory / "pond_shout.py").write_text(
        textwrap.dedent(
            """
            from agentpond import function_processor

            factory = function_processor("shout", lambda rows: rows)
            """
        )
    )
    information = directory / "pond_shout-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pond-shout\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[agentpond.components]\nshout = pond_shout:factory\n"
    )


def test_the_default_is_printed_as_it_is_read(inside: Run) -> None:
    done = inside("config", "default")

    assert set(parse(done.stdout).values) == {"receivers", "processors", "exporters", "service"}


def test_the_schema_knows_every_section(inside: Run) -> None:
    done = inside("config", "schema")

    schema = json.loads(done.stdout)
    assert list(schema["properties"]) == ["receivers", "processors", "exporters", "service"]


def test_a_file_is_queried_where_no_service_runs(agentpond: Run, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")

    done = agentpond("query", "SELECT * FROM t ORDER BY a", "--db", store, "--format", "csv")

    assert done.stdout == "a,b\n1,x\n2,\n"


def test_rows_can_go_to_a_file(agentpond: Run, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")
    out = tmp_path / "rows.parquet"

    agentpond("query", "FROM t", "--db", store, "--format", "parquet", "--output", str(out))

    assert pq.read_table(out).num_rows == 2


def test_parquet_can_go_to_a_pipe(tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")
    command = [sys.executable, "-m", "agentpond", "query", "FROM t", "--db", store, "-f", "parquet"]

    done = subprocess.run(command, capture_output=True, check=True)

    assert done.stdout[:4] == b"PAR1"


def test_a_query_that_is_refused_exits_with_1(agentpond: Run, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")

    done = agentpond("query", "DROP TABLE t", "--db", store)

    assert done.returncode == 1
    assert "queries only read" in done.stderr
    assert done.stdout == ""


def test_a_store_that_is_not_there_exits_with_1(inside: Run, tmp_path: Path) -> None:
    done = inside("query", "SELECT 1", "--db", str(tmp_path / "none.duckdb"))

    assert done.returncode == 1
    assert "none.duckdb" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_without_a_store_cannot_be_queried(
    inside: Run, values: Values, write_config: Write
) -> None:
    values["exporters"] = {"console": None}
    values["service"]["pipelines"]["agents"]["exporters"] = ["console"]

    done = inside("query", "SELECT 1", "--config", write_config(values))

    assert done.returncode == 2
    assert "Name the file with --db, or add the exporter `duckdb`." in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")
    sql = "SELECT repeat('x', 100) AS x FROM range(100000)"
    command = [sys.executable, "-m", "agentpond", "query", sql, "--db", store, "--format", "csv"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()

    assert errors == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("name", "begins"), [("rows.csv", b"a,b\n"), ("rows.json", b"[\n{"), ("rows.parquet", b"PAR1")]
)
def test_the_name_of_the_output_says_how_to_write(
    inside: Run, tmp_path: Path, name: str, begins: bytes
) -> None:
    store = make_store(tmp_path / "a.duckdb")

    inside("query", "FROM t", "--db", store, "--output", name)

    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_format_that_is_asked_for_wins_over_the_name(inside: Run, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")

    inside("query", "FROM t", "--db", store, "--output", "rows.csv", "--format", "json")

    assert json.loads((tmp_path / "rows.csv").read_text())[0] == {"a": 1, "b": "x"}


def test_a_folder_that_is_not_there_is_told_in_words(inside: Run, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")

    done = inside("query", "FROM t", "--db", store, "--output", "none/rows.csv")

    assert done.returncode == 2
    assert done.stderr == "there is no folder none for --output. Make it first.\n"


def test_a_query_can_come_from_stdin(tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.duckdb")
    command = [sys.executable, "-m", "agentpond", "query", "-", "--db", store, "-f", "csv"]

    done = subprocess.run(
        command, input="SELECT a\nFROM t\nORDER BY a\n", capture_output=True, text=True, check=True
    )

    assert done.stdout == "a\n1\n2\n"


@pytest.mark.parametrize("sql", ["", " \n"])
def test_an_empty_query_is_told_what_to_write(inside: Run, sql: str) -> None:
    done = inside("query", sql)

    assert done.returncode == 2
    assert done.stderr == 'the query is empty. Write one, such as "FROM events LIMIT 5".\n'


def test_which_of_two_stores_to_ask_must_be_said(
    inside: Run, values: Values, write_config: Write, tmp_path: Path
) -> None:
    values["exporters"]["duckdb/calls"] = {"path": str(tmp_path / "calls.duckdb")}
    values["service"]["pipelines"]["agents"]["exporters"].append("duckdb/calls")

    done = inside("query", "SELECT 1", "--config", write_config(values))

    assert done.returncode == 2
    first, second = tmp_path / "a.duckdb", tmp_path / "calls.duckdb"
    assert f"several can be queried: {first}, {second}. Name one: --db {first}" in done.stderr
