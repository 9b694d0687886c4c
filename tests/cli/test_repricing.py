"""`agentpond reprice` makes costs again from stored tokens, and says what that changed."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentpond.cli.repricing import summary, total
from agentpond.pipeline.engine.sessions.asked import Repriced

from .sending import send, wait_for_events

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]
Values = dict[str, Any]
Write = Callable[[Values], str]
Fill = Callable[..., None]

CLAUDE = "claude_code/tools/http-protobuf"
CODEX = "codex/fix_bug_tools/http-protobuf"
DEAR = """
[[price]]
model = "*"
input = 1000
output = 1000
"""


def computed(store: Path) -> list[Any]:
    with duckdb.connect(str(store), read_only=True) as connection:
        return connection.execute(
            "SELECT api_call_id, computed_cost_usd, cost_status FROM api_calls ORDER BY ALL"
        ).fetchall()


def test_repricing_by_the_same_prices_changes_nothing(
    agentpond: Run,
    inside: Run,
    with_sessions: Values,
    write_config: Write,
    fill: Fill,
    tmp_path: Path,
) -> None:
    fill(CLAUDE, CODEX)
    config = write_config(with_sessions)
    inside("process", "--config", config)
    before = computed(tmp_path / "a.duckdb")

    done = agentpond("reprice", "--config", config)

    assert done.returncode == 0, done.stderr
    assert "\n0 of " in done.stdout
    assert computed(tmp_path / "a.duckdb") == before


def test_other_prices_are_tried_out_and_it_says_how_to_keep_them(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CODEX)
    config = write_config(with_sessions)
    inside("process", "--config", config)
    before = computed(tmp_path / "a.duckdb")
    (tmp_path / "dear.toml").write_text(DEAR)

    done = inside("reprice", "--prices", "dear.toml", "--config", config)

    assert done.returncode == 0, done.stderr
    assert "write `ledger: {prices: dear.toml}` under `processors:`." in done.stdout
    assert computed(tmp_path / "a.duckdb") != before


def test_what_reads_the_ledger_follows_it(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CODEX)
    config = write_config(with_sessions)
    inside("process", "--config", config)
    (tmp_path / "dear.toml").write_text(DEAR)

    inside("reprice", "--prices", "dear.toml", "--config", config)

    with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as connection:
        of_tables = [
            connection.execute(f"SELECT round(sum(cost_usd), 9) FROM {table}").fetchall()
            for table in ("api_calls", "turns", "sessions")
        ]
    assert of_tables == [of_tables[0]] * 3


def test_calls_before_a_date_are_left_alone(
    inside: Run, with_sessions: Values, write_config: Write, fill: Fill, tmp_path: Path
) -> None:
    fill(CODEX)
    config = write_config(with_sessions)
    inside("process", "--config", config)
    before = computed(tmp_path / "a.duckdb")
    (tmp_path / "dear.toml").write_text(DEAR)

    done = inside(
        *("reprice", "--since", "2100-01-01", "--prices", "dear.toml", "--config", config)
    )

    assert done.stdout.startswith("There are no API calls to price.")
    assert computed(tmp_path / "a.duckdb") == before


def test_the_running_service_is_asked(
    agentpond: Run,
    inside: Run,
    serve: Any,
    welcome: Any,
    with_sessions: Values,
    write_config: Write,
) -> None:
    config = write_config(with_sessions)

    with serve(config) as process:
        send(welcome(process), CLAUDE)
        wait_for_events(inside, config, CLAUDE)
        inside("process", "--config", config)
        done = agentpond("reprice", "--config", config)
        process.send_signal(signal.SIGTERM)
        process.communicate()

    assert (done.returncode, done.stderr) == (0, "")
    assert "\n0 of " in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [("price = 1", "price file p.toml: price: "), ("[[", "price file p.toml is not TOML: ")],
)
def test_a_price_file_that_is_wrong_is_told_so(
    inside: Run, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "p.toml").write_text(text)

    done = inside("reprice", "--prices", "p.toml")

    assert done.returncode == 2
    assert done.stderr.startswith(said)


def test_a_price_file_that_is_not_there_is_told_so(inside: Run) -> None:
    done = inside("reprice", "--prices", "none.toml")

    assert done.returncode == 2
    assert done.stderr == "cannot read the price file none.toml: No such file or directory.\n"


def test_a_date_that_is_none_is_told_so(inside: Run) -> None:
    done = inside("reprice", "--since", "yesterday")

    assert done.returncode == 2
    assert "expected a date such as 2026-11-01" in done.stderr


def test_the_total_says_what_it_covers() -> None:
    told = [
        Repriced("anthropic", "a", 6, 1, 1.0, 1.5, 0, 0),
        Repriced("openai", "b", 2, 2, None, 0.25, 2, 1),
    ]

    lines = summary(told, None)

    assert total(told) == Repriced("total", None, 8, 3, 1.0, 1.75, 2, 1)
    assert lines == [
        (
            "3 of 8 calls changed. The total covers 87.5% of the calls, before 75.0%; the "
            "others have no price."
        )
    ]
