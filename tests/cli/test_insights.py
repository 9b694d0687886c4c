"""`agentpond insights` shows what was found, the most severe first."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentpond.cli.shown import console, plain, shortened, usd
from agentpond.exporters.duckdb.migrations import MIGRATIONS, migrate

from ..exporters.support import NOON, NOON_NS
from .found_files import A, Ask, B, C, ask_of, finding, make

Found = Callable[..., Ask]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Make a store with findings, and give a way to ask it."""

    def of(*rows: dict[str, Any], reviews: tuple[dict[str, Any], ...] = ()) -> Ask:
        make(tmp_path / "a.duckdb", {"insights": rows, "reviews": reviews})
        return ask_of(tmp_path / "a.duckdb")

    return of


def ids(told: Any) -> list[str]:
    return [row["insight_id"] for row in told.json]


def test_the_most_severe_stand_first_and_of_these_the_newest(found: Found) -> None:
    ask = found(
        finding(A, 1, severity="info"),
        finding(A, 2, severity="critical"),
        finding(B, 3, severity="info"),
        finding(B, 4, severity="warning"),
    )

    told = ask("insights", "--json")

    assert ids(told) == ["i2", "i4", "i3", "i1"]


def test_a_finding_says_what_where_when_and_what_it_cost(found: Found) -> None:
    ask = found(finding(C, 5, cost_usd=0.4213))

    told = ask("insights")

    assert told.out.splitlines() == [
        "warning   break_fix_loop  2026-11-20 12:05  codex 5f3c1a22  $0.42",
        "    The same test failed 4 times.",
        "1 finding in 1 session, the latest with any. Times are UTC.",
    ]


def test_what_cannot_be_told_is_left_out(found: Found) -> None:
    ask = found(finding(C, 5, cost_usd=None, at=None))

    told = ask("insights")

    assert told.out.splitlines()[0] == "warning   break_fix_loop  codex 5f3c1a22"


def test_an_agent_that_is_not_told_is_said_to_be_unknown(found: Found) -> None:
    ask = found(finding(C, 5, agent=None))

    told = ask("insights")

    assert told.out.splitlines()[0] == (
        "warning   break_fix_loop  2026-11-20 12:05  unknown agent 5f3c1a22"
    )


def test_an_id_is_shown_as_far_as_no_other_session_begins_so(found: Found) -> None:
    ask = found(finding(A, 1))

    told = ask("insights")

    assert " codex 019a9f10-1\n" in told.out


def test_json_has_all_keys_with_null_for_what_is_not_told(found: Found) -> None:
    ask = found(finding(A, 1))

    told = ask("insights", "--json")

    assert told.json == [
        {
            "session_id": A,
            "agent": "codex",
            "insight_id": "i1",
            "kind": "break_fix_loop",
            "severity": "warning",
            "category": "loops",
            "message": "The same test failed 4 times.",
            "payload": {"failures": 4},
            "at": "2026-11-20T12:01:00",
            "turn_id": None,
            "cost_usd": None,
            "provider": None,
            "model": None,
            "processor_version": None,
            "evidence": ["e1"],
            "made_by": "rules",
            "reviewer_model": None,
            "reviewed_at": None,
        }
    ]


def test_what_a_model_found_is_shown_beside_it_and_marked(found: Found) -> None:
    review = finding(C, 2, message="It guessed names.", made_by="model", reviewer_model="gpt-5")
    ask = found(finding(C, 1), reviews=(review,))

    told = ask("insights")

    assert told.out.splitlines()[1:3] == [
        "    It guessed names.",
        "    (reviewed by the model gpt-5)",
    ]
    assert told.out.count("(reviewed by") == 1


def test_a_review_by_rules_is_not_marked_as_a_models(found: Found) -> None:
    ask = found(reviews=(finding(C, 2, made_by="rules"),))

    told = ask("insights")

    assert "reviewed by" not in told.out


def test_what_a_model_advises_is_shown(found: Found) -> None:
    payload = '{"turn": 1, "advice": "Run them once."}'
    ask = found(reviews=(finding(C, 2, made_by="model", payload=payload),))

    told = ask("insights")

    assert told.out.splitlines()[2] == "    advice: Run them once."


def test_what_stands_in_for_a_review_is_no_finding_but_counted(found: Found) -> None:
    waiting = finding(A, 2, kind="review_summary", made_by="rules")
    ask = found(finding(C, 1), reviews=(waiting,))

    told = ask("insights")

    assert told.out.splitlines()[-2:] == [
        "1 finding in 1 session, the latest with any. Times are UTC.",
        "1 session waits for a model's review.",
    ]


def test_a_session_of_which_nothing_was_made_is_not_the_latest(tmp_path: Path) -> None:
    make(tmp_path / "a.duckdb", {"insights": [finding(A, 1)]})
    with duckdb.connect(str(tmp_path / "a.duckdb")) as db:
        db.execute(
            "INSERT INTO session_changes (number, session_id, change, events, last_received_at) "
            "VALUES (99, 'ghost', 1, 1, TIMESTAMP '2099-01-01')"
        )
        db.execute(f"UPDATE sessions SET last_seen_at = NULL WHERE session_id <> '{A}'")

    told = ask_of(tmp_path / "a.duckdb")("insights", "--latest", "1", "--json")

    assert ids(told) == ["i1"]


def test_a_severity_is_the_least_that_is_shown(found: Found) -> None:
    severities = ("info", "warning", "critical")
    ask = found(*(finding(A, at, severity=each) for at, each in enumerate(severities)))

    told = ask("insights", "--severity", "warning", "--json")

    assert ids(told) == ["i2", "i1"]


def test_a_session_is_named_by_the_beginning_of_its_id(found: Found) -> None:
    ask = found(finding(A, 1), finding(B, 2))

    told = ask("insights", "--session", "019a9f10-2", "--json")

    assert ids(told) == ["i2"]


def test_a_beginning_that_several_sessions_share_is_told_with_them(found: Found) -> None:
    ask = found(finding(A, 1))

    told = ask("insights", "--session", "019a")

    assert (told.code, told.out) == (1, "")
    assert told.errors == (f"several sessions begin with '019a': {A}, {B}. Give more of the id.\n")


def test_a_session_that_is_not_known_is_told_so(found: Found) -> None:
    ask = found(finding(A, 1))

    told = ask("insights", "--session", "x' OR 'x'='x")

    assert (told.code, told.out) == (1, "")
    assert told.errors.startswith("the store knows no session x' OR 'x'='x. See some: agentpond")


def test_the_latest_are_the_sessions_heard_of_last_with_findings_or_without(found: Found) -> None:
    ask = found(finding(A, 1), finding(B, 2))

    told = ask("insights", "--latest", "2", "--json")

    assert ids(told) == ["i2"]


def test_since_takes_sessions_that_were_heard_of_since(found: Found) -> None:
    ask = found(finding(A, 1), finding(C, 2))

    told = ask("insights", "--since", "2026-11-21", "--json")

    assert ids(told) == ["i2"]


def test_without_options_only_the_latest_ten_sessions_with_findings_are_shown(
    tmp_path: Path,
) -> None:
    make(tmp_path / "a.duckdb", {})
    with duckdb.connect(str(tmp_path / "a.duckdb")) as db:
        db.execute(
            "INSERT INTO sessions (session_id, agent, last_seen_at) "
            f"SELECT 's' || i, 'codex', '{NOON}'::TIMESTAMP + to_days(i::INTEGER + 9) "
            "FROM range(12) t(i)"
        )
        db.execute(
            "INSERT INTO insights (session_id, insight_id, severity) "
            "SELECT session_id, session_id, 'info' FROM sessions WHERE starts_with(session_id, 's')"
        )

    told = ask_of(tmp_path / "a.duckdb")("insights", "--json")

    assert sorted(ids(told)) == sorted(f"s{number}" for number in range(2, 12))


def test_two_choices_of_sessions_exclude_each_other(found: Found) -> None:
    ask = found()

    told = ask("insights", "--session", A, "--latest", "3")

    assert (told.code, told.out) == (2, "")
    assert told.errors == "--session and --latest exclude each other. Give one of them.\n"


@pytest.mark.parametrize("words", [("--latest", "0"), ("--severity", "bad"), ("--since", "soon")])
def test_a_choice_that_cannot_be_meant_exits_with_2(found: Found, words: tuple[str, ...]) -> None:
    ask = found()

    told = ask("insights", *words)

    assert (told.code, told.out) == (2, "")


def test_where_nothing_was_found_it_says_so_and_who_is_missing(found: Found) -> None:
    ask = found()

    told = ask("insights", "--session", A)

    assert told.code == 0
    assert told.out.replace("\n", " ") == (
        f"There are no findings in session {A}. No processor has made `insights` here yet: name "
        "`insights` in the pipeline's `processors`, and run `agentpond process`. "
    )


def test_where_nothing_was_found_json_is_an_empty_array(found: Found) -> None:
    ask = found()

    told = ask("insights", "--json")

    assert (told.code, told.json) == (0, [])


def test_where_a_processor_looks_and_finds_nothing_only_that_is_said(tmp_path: Path) -> None:
    whose = {"processor": "insights", "tables": ["insights"]}
    make(tmp_path / "a.duckdb", {"processors": [whose]})

    told = ask_of(tmp_path / "a.duckdb")("insights")

    assert told.out == "There are no findings in any session.\n"


@pytest.mark.parametrize("command", [("insights",), ("errors",), ("insights", "advice")])
def test_an_older_file_is_told_with_what_brings_the_tables(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as db:
        migrate(db, NOON_NS, MIGRATIONS[:2])

    told = ask_of(tmp_path / "a.duckdb")(*command)

    assert (told.code, told.out) == (1, "")
    assert "an older agentpond wrote it. `agentpond process` brings the tables" in told.errors


def test_an_option_before_a_command_is_told_where_it_belongs(found: Found) -> None:
    ask = found()

    told = ask("insights", "--json", "advice")

    assert told.code == 2
    assert told.errors == (
        "--json stands before `advice`. Write it after: agentpond insights advice ... --json\n"
    )


def test_what_steers_a_terminal_does_not_reach_it(found: Found) -> None:
    ask = found(finding(A, 1, message="red \x1b[31m, bell \x07,\nback \u202eabc"))

    told = ask("insights")

    assert "    red [31m, bell , back abc\n" in told.out


def test_no_line_is_wider_than_a_hundred_characters_when_piped(found: Found) -> None:
    ask = found(finding(A, 1, message="word " * 100))

    told = ask("insights")

    assert max(len(line) for line in told.out.splitlines()) <= 100


def test_a_long_text_is_cut_to_its_measure() -> None:
    assert shortened("one two three four", 10) == "one two..."


def test_what_is_not_told_has_no_words() -> None:
    assert plain(None) == ""


def test_emoji_and_letters_of_all_languages_stay() -> None:
    assert plain("größer 漢字 🙂") == "größer 漢字 🙂"


@pytest.mark.parametrize(
    ("amount", "written"),
    [(None, ""), (0, "$0.00"), (1234.5, "$1,234.50"), (0.0042, "$0.0042"), (0.00001, "<$0.0001")],
)
def test_money_is_written_as_exactly_as_it_matters(amount: float | None, written: str) -> None:
    assert usd(amount) == written


def test_an_output_that_knows_no_unicode_gets_question_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))

    console().print("größer")

    assert raw.getvalue() == b"gr??er\n"
