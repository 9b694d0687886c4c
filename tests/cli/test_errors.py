"""`agentpond errors` shows which errors come again, the most expensive first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentpond.pipeline.core.views import ERROR_CLUSTERS_ALL_COLUMNS

from ..exporters.found_support import cluster
from .found_files import A, Ask, B, C, ask_of, make

Clusters = Callable[..., Ask]


@pytest.fixture
def clusters(tmp_path: Path) -> Clusters:
    """Make a store with clusters, and give a way to ask it."""

    def of(*rows: dict[str, Any]) -> Ask:
        make(tmp_path / "a.duckdb", {"error_clusters": rows})
        return ask_of(tmp_path / "a.duckdb")

    return of


def fingerprints(told: Any) -> list[str]:
    return [row["fingerprint"] for row in told.json]


def test_the_most_expensive_stand_first_and_then_the_most_frequent(clusters: Clusters) -> None:
    ask = clusters(
        cluster(A, fingerprint="often", count=9),
        cluster(A, fingerprint="dear", count=1, cost_after_usd=2.0),
        cluster(A, fingerprint="cheap", count=5, cost_after_usd=0.5),
        cluster(A, fingerprint="once", count=1),
    )

    told = ask("errors", "--json")

    assert fingerprints(told) == ["dear", "cheap", "often", "once"]


def test_over_sessions_an_error_says_how_often_where_and_what_it_cost(clusters: Clusters) -> None:
    ask = clusters(
        cluster(A, 0, cost_after_usd=0.25, cost_after_coverage=0.5, turns_after=2, last_at=None),
        cluster(
            B, 1, count=3, cost_after_usd=0.5, cost_after_coverage=0.5, turns_after=1, last_at=None
        ),
    )

    told = ask("errors")

    assert told.out.splitlines() == [
        "5 errors  Bash missing_file",
        "    cat: <path>: No such file or directory",
        "    2 sessions; $0.75 after it (50% of the calls priced) in 3 turns",
        "    advice: Look whether a file is there before you read it.",
        "5 errors of 1 kind over all sessions. Times are UTC.",
    ]


def test_of_a_session_the_example_and_what_resolved_it_are_shown(clusters: Clusters) -> None:
    ask = clusters(
        cluster(C, example="cat: /x: No such file or directory", resolved_by="ls /", advice=None)
    )

    told = ask("errors", "--session", "5f3c")

    assert told.out.splitlines()[2:] == [
        "    last 2026-11-20 12:05",
        "    example: cat: /x: No such file or directory",
        "    worked again with: ls /",
        f"2 errors of 1 kind in session {C}. Times are UTC.",
    ]


def test_over_sessions_the_example_is_left_to_json(clusters: Clusters) -> None:
    ask = clusters(cluster(A, example="cat: /x: No such file or directory"))

    told = ask("errors")

    assert "/x" not in told.out


def test_only_the_errors_of_the_sessions_that_were_chosen_are_counted(clusters: Clusters) -> None:
    ask = clusters(cluster(A, count=2), cluster(B, 1, count=3), cluster(C, 2, count=4))

    told = ask("errors", "--latest", "2", "--json")

    assert [(row["count"], row["sessions"]) for row in told.json] == [(7, 2)]


@pytest.mark.parametrize("words", [(), ("--session", A)])
def test_json_has_the_columns_of_the_view_whatever_is_chosen(
    clusters: Clusters, words: tuple[str, ...]
) -> None:
    ask = clusters(cluster(A))

    told = ask("errors", *words, "--json")

    assert list(told.json[0]) == [column.name for column in ERROR_CLUSTERS_ALL_COLUMNS]


def test_twenty_kinds_are_shown_and_how_many_there_are(clusters: Clusters) -> None:
    ask = clusters(*(cluster(A, fingerprint=f"f{at}", advice=None) for at in range(25)))

    told = ask("errors")

    assert told.out.count("errors  Bash") == 20
    assert told.out.splitlines()[-1] == (
        "50 errors of 25 kinds over all sessions; 20 kinds shown, --json gives all. Times are UTC."
    )


def test_where_there_are_none_it_says_so(clusters: Clusters) -> None:
    ask = clusters()

    told = ask("errors", "--latest", "3")

    assert told.code == 0
    assert told.out.startswith("There are no errors in the latest 3 sessions.\n")
