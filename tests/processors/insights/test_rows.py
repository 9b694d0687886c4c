"""Rows of `insights` say whose they are, what shows them, and stay the same from run to run."""

from pathlib import Path
from typing import Any

import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.pricing.book import PriceBook
from agentpond.pipeline.processors.insights import factory, rules_with
from agentpond.pipeline.testing import check_processor

from ...evidence.happened import at, decided, edited, prompt, ran, told, used
from .given import (
    POND,
    Row,
    call,
    eight,
    given,
    insights_of,
    processor,
    refused,
    related,
    session,
    tables,
    turn,
)

PAGE = Path(__file__).parents[3] / "docs" / "components" / "insights.md"

BUSY = [
    prompt(0, "Mend it."),
    *({"event_type": "tool_result", "success": False, "time": at(n)} for n in range(30)),
    edited(100, "calc.py"),
    ran(110, "pytest", "1 failed"),
    edited(120, "calc.py"),
    ran(130, "pytest", "1 failed"),
    edited(140, "calc.py"),
    ran(150, "pytest", "1 failed"),
    *(ran(200 + n, "npm run build", "TS2339") for n in range(3)),
    decided(300, "Bash", "denied", "reject", "config"),
    {"event_type": "compaction", "time": at(400), "success": True},
]


def _of(session_id: str, rows: list[Row]) -> list[Row]:
    return [{**row, "session_id": session_id} for row in rows]


def _made(session_id: str) -> dict[str, list[Row]]:
    cached = {"cache_write_tokens": 9_000, "duration_ms": 1000.0, "cache_read_tokens": 0}
    calls = [
        *(refused(n, "stream disconnected") for n in range(3)),
        refused(5, "Overloaded"),
        call(6, turn_id="u", **cached),
        call(410, turn_id="u", **cached),
        call(420, turn_id="u", model="llama-9", cost_usd=None, cost_status="unpriced"),
    ]
    turns = [
        turn("stalled", tool_calls=0),
        turn("aborted", turn_id="u", number=2),
    ]
    own = session(cost_usd=50.0, capture_ratio=0.5, **POND)
    made = {
        "api_calls": calls,
        "turns": turns,
        "sessions": [own],
        "correlations": [related(1000 + n, 1, "calc.py") for n in range(3)],
    }
    return {name: _of(session_id, rows) for name, rows in made.items()}


def busy(*session_ids: str) -> tuple[Batch, dict[str, Any]]:
    """Make sessions in which each rule finds something, and earlier ones of their repository."""
    batch = told(*(row for each in session_ids for row in _of(each, BUSY)))
    parts = [_made(each) for each in session_ids]
    made: dict[str, Any] = {
        name: [row for part in parts for row in part[name]] for name in parts[0]
    }
    made["sessions"] += eight()
    return batch, made


def everything_found(*session_ids: str, **options: Any) -> list[Row]:
    batch, made = busy(*session_ids)
    return insights_of(given(batch, ids=session_ids, **made), **options)


def test_each_rule_finds_something_in_a_session_in_which_all_goes_wrong() -> None:
    kinds = {row["kind"] for row in everything_found("s")}

    assert kinds == set(rules_with(PriceBook()))


def test_no_two_findings_of_a_session_have_one_id() -> None:
    rows = everything_found("s")

    assert len({row["insight_id"] for row in rows}) == len(rows)


def test_the_same_finding_in_two_sessions_has_two_ids() -> None:
    rows = everything_found("s", "t")

    assert len({row["insight_id"] for row in rows}) == len(rows)


def test_each_finding_has_words_a_severity_and_a_category() -> None:
    rows = everything_found("s")

    assert {row["severity"] for row in rows} <= {"info", "warning", "critical"}
    assert {row["category"] for row in rows} == {
        *("errors", "loops", "cost", "turns", "permissions", "capture"),
    }
    assert all(row["message"].endswith(".") and "{" not in row["message"] for row in rows)


def test_the_evidence_is_of_events_of_the_session() -> None:
    rows = everything_found("s")

    evidence = {
        each for row in rows if row["kind"] != "errors_after_edits" for each in row["evidence"]
    }

    assert evidence
    assert max(evidence) <= len(BUSY)


def test_it_keeps_the_contract_where_there_is_much_to_find() -> None:
    batch, made = busy("s", "t")

    check_processor(factory, {}, batches=[batch], made=tables(batch, **made))

    assert len(everything_found("s", "t")) == 2 * len(everything_found("s"))


def test_rules_that_are_off_do_not_run() -> None:
    rows = everything_found("s", off=["stalled_turn", "retries"])

    assert {"stalled_turn", "retries"} & {row["kind"] for row in rows} == set()


def test_with_all_rules_off_nothing_is_found() -> None:
    assert everything_found("s", off=list(rules_with(PriceBook()))) == []


def test_an_unknown_rule_cannot_be_switched_off() -> None:
    with pytest.raises(ValueError, match="off"):
        factory.config(off=["no_such_rule"])


def test_a_session_in_which_nothing_went_wrong_has_no_rows() -> None:
    batch = told(prompt(0, "Go."), used(1, "Read", '{"file_path":"a.py"}'))

    rows = insights_of(
        given(batch, api_calls=[call(2)], sessions=[session()], turns=[turn("done")])
    )

    assert rows == []


def tagged(*calls: Row, agent: str = "claude_code") -> tuple[Any, ...]:
    """Give the agent, provider and model of a finding in a session with these calls."""
    batch = told(prompt(0, "Go."), agent=agent)
    (row,) = insights_of(given(batch, api_calls=calls, turns=[turn("stalled")]))
    return row["agent"], row.get("provider"), row.get("model")


def test_a_finding_is_tagged_with_the_model_that_put_out_most() -> None:
    calls = [
        call(1, model="small", provider="a", output_tokens=5),
        call(2, model="large", provider="b", output_tokens=8),
        call(3, model="small", provider="a", output_tokens=4),
    ]

    assert tagged(*calls) == ("claude_code", "a", "small")


def test_of_two_models_that_put_out_as_much_it_is_the_first_by_name() -> None:
    calls = [call(1, model="b", output_tokens=5), call(2, model="a", output_tokens=5)]

    assert tagged(*calls) == ("claude_code", None, "a")


def test_a_model_that_put_out_nothing_is_better_than_none() -> None:
    calls = [call(1, model=None, output_tokens=9), call(2, model="a", output_tokens=None)]

    assert tagged(*calls) == ("claude_code", None, "a")


def test_where_no_call_is_told_there_is_no_model() -> None:
    assert tagged(agent="codex") == ("codex", None, None)


def test_a_finding_is_tagged_with_the_version_of_the_processor() -> None:
    rows = everything_found("s", denials=1)

    assert {row["processor_version"] for row in rows} == {processor(denials=1).version}


def test_the_version_is_another_with_another_threshold_and_not_with_another_cadence() -> None:
    plain, later, stricter = (
        processor(**options).version for options in ({}, {"every": "1m"}, {"denials": 2})
    )

    assert (later == plain, stricter == plain) == (True, False)


def test_the_version_is_another_with_other_prices(tmp_path: Any) -> None:
    prices = tmp_path / "prices.toml"
    versions = []
    for amount in (1, 2):
        prices.write_text(f'[[price]]\nmodel = "m"\ninput = {amount}\noutput = 2\n')
        versions.append(processor(prices=prices).version)

    assert len(set(versions)) == 2


def test_what_a_rule_found_before_keeps_its_id_when_more_events_come() -> None:
    batch, made = busy("s")
    more = told(*BUSY, ran(500, "ls", "gone"), decided(510, "Write", "w", "reject", "config"))

    before, after = (
        {row["insight_id"] for row in insights_of(given(each, **made))} for each in (batch, more)
    )

    assert before < after


def test_each_rule_stands_on_the_page() -> None:
    page = PAGE.read_text("utf-8")

    missing = [kind for kind in rules_with(PriceBook()) if f"| `{kind}` |" not in page]

    assert missing == []
