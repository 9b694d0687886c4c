"""What an agent does not tell is found, with the setting that makes it tell."""

from typing import Any

import pytest

from ...evidence.happened import at, failed, prompt, ran, told, used
from .given import Row, call, found, given, session

POINT = {"event_type": "metric", "signal": "metrics", "time": at(0), "value": 1.0}
TOOL_USE = call(5, stop_reason="tool_use")


def missing(
    *events: Row, calls: tuple[Row, ...] = (), own: Row | None = None, **options: Any
) -> list[Row]:
    """Look at a session, which has a row in `sessions`."""
    batch = told(*events, agent=str((own or {}).get("agent", "claude_code")))
    row = {**session(), **(own or {})}
    return found("missing_signals", given(batch, api_calls=calls, sessions=[row]), **options)


def test_metrics_without_logs_or_spans_are_found() -> None:
    (row,) = missing(POINT)

    assert row["message"] == (
        "Only metrics tell of this session: no prompts, tools or errors. Set "
        "`OTEL_LOGS_EXPORTER=otlp` where Claude Code runs."
    )
    assert row["payload"] == {"missing": "logs", "capture_ratio": None}
    assert (row["severity"], row["category"], row["at"]) == ("warning", "capture", at(0))


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_metrics_with_logs_or_spans_are_not(signal: str) -> None:
    assert missing(POINT, prompt(0, "Go.", signal=signal)) == []


def test_logs_without_metrics_lack_nothing() -> None:
    assert missing(prompt(0, "Go.")) == []


@pytest.mark.parametrize(
    ("agent", "setting"),
    [
        ("codex", "Set `exporter` under `[otel]` in Codex' config.toml."),
        ("other", "Have the agent send logs or traces too."),
    ],
)
def test_the_setting_is_that_of_the_agent(agent: str, setting: str) -> None:
    (row,) = missing(POINT, own={"agent": agent})

    assert row["message"].endswith(setting)


def test_metrics_of_no_session_lack_no_logs_where_they_repeat_what_logs_tell() -> None:
    day = "no-session:codex:2026-11-20"
    codex = {"agent": "codex", "session_id": day}
    batch = told({**POINT, "session_id": None, "start_time": at(0)}, agent="codex")
    counted = call(5, usage_source="metrics", **codex)
    row = session(day, agent="codex")

    found_at_all = [
        found("missing_signals", given(batch, api_calls=calls, sessions=[row]))
        for calls in ([counted], [])
    ]

    assert [len(each) for each in found_at_all] == [1, 0]


def test_calls_that_ask_for_tools_without_any_use_are_found() -> None:
    (row,) = missing(prompt(0, "Go."), calls=(TOOL_USE,))

    assert row["message"].startswith("Its API calls ask for tools, and nothing tells of any.")
    assert (row["payload"]["missing"], row["severity"]) == ("tools", "warning")


def test_calls_that_ask_for_tools_with_a_use_are_not() -> None:
    assert missing(prompt(0, "Go."), used(6, "Bash", None), calls=(TOOL_USE,)) == []


def test_calls_that_ended_otherwise_ask_for_no_tool() -> None:
    assert missing(prompt(0, "Go."), calls=(call(5, stop_reason="end_turn"), call(6))) == []


def test_where_nobody_made_the_uses_none_is_missed() -> None:
    sessions = given(
        told(prompt(0, "Go.")),
        api_calls=[TOOL_USE],
        tool_calls=[],
        sessions=[session()],
        unmade={"tool_calls": ["s"]},
    )

    assert found("missing_signals", sessions) == []


def test_tools_that_failed_without_a_word_are_found() -> None:
    (row,) = missing(used(1, "Bash", None, success=False))

    assert row["message"] == (
        "Tools failed, and nothing tells with what words. Set `OTEL_LOG_TOOL_DETAILS=1` where "
        "Claude Code runs."
    )
    assert (row["payload"]["missing"], row["severity"]) == ("words", "info")


@pytest.mark.parametrize(
    "telling", [failed(2, "Read", "{}", "File does not exist."), ran(2, "make", "Error 2")]
)
def test_one_tool_that_failed_with_words_or_a_command_is_enough(telling: Row) -> None:
    assert missing(used(1, "Bash", None, success=False), telling) == []


def test_less_than_95_percent_of_the_records_are_too_few() -> None:
    ratios = (0.949, 0.95, None)

    rows = [missing(prompt(0, "Go."), own={"capture_ratio": ratio}) for ratio in ratios]

    assert [len(each) for each in rows] == [1, 0, 0]
    assert rows[0][0]["message"].startswith("Records are missing: about 95 % of what the agent")
    assert rows[0][0]["payload"] == {"missing": "records", "capture_ratio": 0.949}


def test_what_share_of_the_records_is_enough_can_be_set() -> None:
    own = {"capture_ratio": 0.5}

    assert [
        len(missing(prompt(0, "Go."), own=own, capture_least=least)) for least in (0.5, 0.6)
    ] == [
        0,
        1,
    ]


def test_each_thing_that_is_missing_has_a_finding_of_its_own() -> None:
    rows = missing(POINT, calls=(TOOL_USE,), own={"capture_ratio": 0.5})

    assert sorted(row["payload"]["missing"] for row in rows) == ["logs", "records", "tools"]
    assert len({row["insight_id"] for row in rows}) == 3


def test_sessions_do_not_mix() -> None:
    batch = told(POINT, prompt(0, "Go.", session_id="other"))

    rows = found(
        "missing_signals", given(batch, sessions=[session(), session("other", capture_ratio=0.1)])
    )

    assert [(row["session_id"], row["payload"]["missing"]) for row in rows] == [
        ("other", "records"),
        ("s", "logs"),
    ]


def test_its_id_stays_the_same_when_more_points_come() -> None:
    ids = {missing(*([POINT] * count))[0]["insight_id"] for count in (1, 5)}

    assert len(ids) == 1


def test_it_can_be_switched_off() -> None:
    assert missing(POINT, off=["missing_signals"]) == []


def test_what_an_agent_counted_twice_is_not_missing() -> None:
    note = "usage was counted 3 times by the agent (a gateway that repeats usage frames)"
    half = {"capture_ratio": 0.4}

    assert missing(prompt(0, "Go."), calls=(call(5, cost_note=note),), own=half) == []
    assert len(missing(prompt(0, "Go."), calls=(call(5),), own=half)) == 1
