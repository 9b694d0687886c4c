"""`agentpond stalled` shows turns that went silent, with what they were waiting for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentpond.cli.stalled import silent_us

from ..exporters.support import NOON
from .found_files import A, Ask, B, C, ask_of, make, turn

Turns = Callable[..., Ask]

CONFIG = """
receivers: {otlp: {}}
exporters: {duckdb: {path: a.duckdb}, duckdb/short: {path: b.duckdb}}
processors: {turns: {stalled_after: 2h}, turns/short: {stalled_after: 5m}}
service:
  pipelines:
    agents: {receivers: [otlp], processors: [turns], exporters: [duckdb]}
    short: {receivers: [otlp], processors: [turns/short], exporters: [duckdb/short]}
"""


@pytest.fixture
def turns(tmp_path: Path) -> Turns:
    """Make a store with turns and tool calls, and give a way to ask it."""

    def of(*rows: dict[str, Any], calls: tuple[dict[str, Any], ...] = ()) -> Ask:
        make(tmp_path / "a.duckdb", {"turns": rows, "tool_calls": calls})
        return ask_of(tmp_path / "a.duckdb")

    return of


def names(told: Any) -> list[str]:
    return [row["turn_id"] for row in told.json]


def call(session_id: str, turn_id: str, status: str) -> dict[str, Any]:
    whose = {"session_id": session_id, "agent": "codex", "turn_id": turn_id, "status": status}
    return {**whose, "tool_call_id": status, "tool_name": "Bash", "started_at": NOON}


def test_stalled_turns_are_shown_the_newest_first(turns: Turns) -> None:
    ask = turns(
        turn(A, 1, status="stalled"), turn(A, 2, status="done"), turn(B, 3, status="stalled")
    )

    told = ask("stalled", "--json")

    assert names(told) == ["t3", "t1"]


def test_a_turn_says_whose_it_is_since_when_and_what_it_waits_for(turns: Turns) -> None:
    prompt = "Mend the\nreceiver."
    ask = turns(
        turn(C, 1, status="stalled", prompt=prompt, cost_usd=0.12),
        calls=(call(C, "t1", "pending"), call(C, "t1", "done")),
    )

    told = ask("stalled")

    assert told.out.splitlines() == [
        "silent since 2026-11-20 12:01  codex 5f3c1a22 turn 1 in pond",
        "    prompt: Mend the receiver.",
        "    no result: Bash since 2026-11-20 12:00",
        "    3 API calls, 2 tool calls, $0.12 until then",
        "1 turn went silent before the end. Times are UTC.",
    ]


def test_tool_calls_without_a_result_are_named_also_when_none_is_waited_for(turns: Turns) -> None:
    ask = turns(
        turn(A, 1, status="stalled"), calls=(call(A, "t1", "no_result"), call(A, "t1", "done"))
    )

    told = ask("stalled", "--json")

    assert [(each["tool_name"], each["status"]) for each in told.json[0]["pending"]] == [
        ("Bash", "no_result")
    ]


def test_a_turn_that_waits_for_nothing_has_an_empty_list(turns: Turns) -> None:
    ask = turns(turn(A, 1, status="stalled"))

    told = ask("stalled", "--json")

    assert told.json[0]["pending"] == []


def test_an_active_turn_counts_once_it_is_silent_for_long(turns: Turns) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    ask = turns(
        turn(A, 1, status="active", ended_at=now - timedelta(hours=1)),
        turn(A, 2, status="active", ended_at=now),
    )

    told = ask("stalled", "--json")

    assert names(told) == ["t1"]


@pytest.mark.parametrize(("config", "expected"), [((), ["t1"]), (("--config", "c.yaml"), [])])
def test_where_a_configuration_waits_longer_so_does_the_list(
    turns: Turns,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: tuple[str, ...],
    expected: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    now = datetime.now(UTC).replace(tzinfo=None)
    ask = turns(turn(A, 1, status="active", ended_at=now - timedelta(hours=1)))

    told = ask("stalled", "--json", *config)

    assert names(told) == expected


def test_of_two_stores_it_waits_as_long_as_the_turns_of_the_one_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG)

    told = [silent_us(config, tmp_path / name) for name in ("a.duckdb", "b.duckdb", "c.duckdb")]

    minute = 60_000_000
    assert told == [120 * minute, 5 * minute, 120 * minute]


def test_an_agent_that_is_not_told_is_said_to_be_unknown(turns: Turns) -> None:
    ask = turns(turn(C, 1, status="stalled", agent=None))

    told = ask("stalled")

    assert told.out.startswith(
        "silent since 2026-11-20 12:01  unknown agent 5f3c1a22 turn 1 in pond"
    )


def test_since_takes_turns_that_were_heard_of_since(turns: Turns) -> None:
    ask = turns(
        turn(A, 1, status="stalled"),
        turn(A, 2, status="stalled", ended_at=NOON + timedelta(days=2)),
    )

    told = ask("stalled", "--since", "2026-11-22", "--json")

    assert names(told) == ["t2"]


def test_a_long_prompt_is_cut_for_people_and_whole_in_json(turns: Turns) -> None:
    ask = turns(turn(A, 1, status="stalled", prompt="word " * 200))

    shown, whole = ask("stalled"), ask("stalled", "--json")

    assert shown.out.count("word") < 70
    assert whole.json[0]["prompt"] == "word " * 200


def test_where_none_has_stalled_it_says_so(turns: Turns) -> None:
    ask = turns(turn(A, 1, status="done"))

    told = ask("stalled", "--since", "2026-11-01")

    assert told.code == 0
    assert told.out.startswith("No turn has stalled since 2026-11-01 00:00 UTC.\n")
