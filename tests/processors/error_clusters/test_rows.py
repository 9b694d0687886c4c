"""Errors that are alike are one row, with what came after them and what that cost."""

from pathlib import Path

import pytest

from agentpond.pipeline.evidence.categories import CATEGORIES
from agentpond.pipeline.processors.error_clusters import factory
from agentpond.pipeline.testing import check_processor
from agentpond.pipeline.testing.sessions import run_sessions

from ...evidence.happened import at, chain, decided, edited, failed, prompt, ran, told, used
from .given import call, cluster, clusters, refused, unpriced

PAGE = Path(__file__).parents[3] / "docs" / "components" / "error_clusters.md"
GONE = "cat: {}: No such file or directory"


def test_errors_that_differ_in_a_path_are_one_cluster() -> None:
    batch = told(ran(1, "cat /a/b.py", GONE.format("/a/b.py")), ran(5, "cat x", GONE.format("/x")))

    row = cluster(batch)

    assert (row["count"], row["first_at"], row["last_at"]) == (2, at(1), at(5))
    assert row["template"] == "cat: <path>: No such file or directory"


def test_the_first_of_them_is_the_example() -> None:
    batch = told(
        prompt(0, "Go."),
        ran(1, "cat /a/b.py", GONE.format("/a/b.py")),
        ran(5, "head /x", GONE.format("/x")),
    )

    row = cluster(batch)

    assert (row["example"], row["example_event_id"]) == (GONE.format("/a/b.py"), 2)
    assert (row["tool_name"], row["command"]) == ("Bash", "cat")
    assert (row["source"], row["category"], row["agent"]) == ("tool", "missing_file", "claude_code")


def test_errors_in_other_words_are_another_cluster() -> None:
    batch = told(ran(1, "cat a", GONE.format("/a")), ran(5, "cat a", "cat: /a: Is a directory"))

    assert [row["count"] for row in clusters(batch)] == [1, 1]


def test_a_command_that_failed_without_a_word_is_named_by_its_program() -> None:
    rows = [ran(n, command, "Shell command failed") for n, command in enumerate(["cat a", "ls b"])]

    assert [row["template"] for row in clusters(told(*rows))] == ["cat failed", "ls failed"]


def test_a_cluster_is_called_the_same_in_any_session() -> None:
    mine = ran(1, "cat /a", GONE.format("/a"))
    other = ran(2, "cat /b", GONE.format("/b"), session_id="other")

    rows = [*clusters(told(mine)), *clusters(told(other)), *clusters(told(mine, other))]

    assert len({row["fingerprint"] for row in rows}) == 1


def test_two_sessions_have_a_row_each() -> None:
    mine = ran(1, "cat /a", GONE.format("/a"))
    others = [ran(n, "cat /b", GONE.format("/b"), session_id="other") for n in (2, 3)]

    rows = clusters(told(mine, *others))

    assert [(row["session_id"], row["count"]) for row in rows] == [("other", 2), ("s", 1)]


def test_where_nothing_failed_there_is_no_row() -> None:
    assert clusters(told(prompt(0, "Go."), used(1, "Bash", '{"command":"ls"}'))) == []


def test_what_was_not_allowed_did_not_fail() -> None:
    assert clusters(told(decided(1, "Bash", "b", "reject", "config"))) == []


def test_an_api_call_that_failed_is_a_cluster_too() -> None:
    row = cluster(told(prompt(0, "Go.")), [refused(5, "http 500"), refused(7, "http 500")])

    assert (row["source"], row["template"], row["count"]) == ("api", "http 500", 2)
    assert "tool_name" not in row


@pytest.mark.parametrize(
    ("kind", "telling", "source", "template"),
    [
        (
            "hook",
            {"attributes": {"hook_name": "PostToolUse:Grep", "num_non_blocking_error": "1"}},
            "hook",
            "hook PostToolUse:Grep failed",
        ),
        (
            "mcp_connection",
            {"attributes": {"status": "failed"}, "mcp_server": "tickets"},
            "mcp",
            "MCP server did not connect",
        ),
        ("compaction", {"success": False}, "compaction", "compaction failed"),
    ],
)
def test_what_else_failed_is_a_cluster_too(
    kind: str, telling: dict[str, object], source: str, template: str
) -> None:
    row = cluster(told({"event_type": kind, "time": at(1), **telling}))

    assert (row["source"], row["template"], row["example_event_id"]) == (source, template, 1)


def test_an_error_is_resolved_when_the_same_tool_works_again() -> None:
    batch = told(
        ran(1, "cat /a", GONE.format("/a")),
        ran(3, "cat /b", GONE.format("/b")),
        used(5, "Bash", '{"command":"ls -la"}'),
    )

    row = cluster(batch)

    assert (row["resolved"], row["resolved_by"]) == (2, "ls -la")


def test_another_tool_that_works_resolves_nothing() -> None:
    row = cluster(told(ran(1, "cat /a", GONE.format("/a")), edited(5, "a.py")))

    assert (row["resolved"], row.get("resolved_by")) == (0, None)


def test_calls_until_the_tool_worked_again_are_what_an_error_cost() -> None:
    batch = told(ran(1, "cat /a", GONE.format("/a")), used(9, "Bash", '{"command":"ls"}'))

    row = cluster(batch, [call(0.5), call(2), call(4, turn_id="u"), call(9.5)])

    assert (row["cost_after_usd"], row["cost_after_coverage"], row["turns_after"]) == (0.5, 1.0, 2)


def test_calls_to_the_turns_end_are_what_an_error_cost_that_was_not_resolved() -> None:
    batch = told(ran(1, "cat /a", GONE.format("/a")))

    row = cluster(batch, [call(2), call(4), call(10, turn_id="u")])

    assert (row["cost_after_usd"], row["turns_after"]) == (0.5, 1)


def test_a_call_after_two_errors_of_a_cluster_counts_once() -> None:
    batch = told(
        ran(1, "cat /a", GONE.format("/a")),
        ran(3, "cat /b", GONE.format("/b")),
        used(9, "Bash", '{"command":"ls"}'),
    )

    row = cluster(batch, [call(2), call(4)])

    assert row["cost_after_usd"] == 0.5


def test_a_call_after_errors_of_two_clusters_counts_in_both() -> None:
    batch = told(
        ran(1, "cat /a", GONE.format("/a")),
        failed(3, "Read", "{}", "File does not exist."),
        used(9, "Bash", '{"command":"ls"}'),
        used(9, "Read", '{"file_path":"a"}'),
    )

    rows = clusters(batch, [call(4)])

    assert [row["cost_after_usd"] for row in rows] == [0.25, 0.25]


def test_the_share_of_the_calls_with_a_price_is_told() -> None:
    batch = told(ran(1, "cat /a", GONE.format("/a")), used(9, "Bash", '{"command":"ls"}'))

    row = cluster(batch, [call(2), unpriced(3), unpriced(4), call(5, cost_status=None)])

    assert row["cost_after_coverage"] == pytest.approx(1 / 3)


def test_what_it_cost_is_not_told_without_a_price() -> None:
    batch = told(ran(1, "cat /a", GONE.format("/a")), used(9, "Bash", '{"command":"ls"}'))

    row = cluster(batch, [unpriced(2)])

    assert (row.get("cost_after_usd"), row["cost_after_coverage"]) == (None, 0.0)


def test_where_nobody_made_the_calls_their_turns_are_not_counted() -> None:
    batch = told(ran(1, "cat /a", GONE.format("/a")))

    (unmade,) = clusters(batch, [], unmade={"api_calls": ["s"]})
    (made,) = clusters(batch, [])

    assert (unmade.get("turns_after"), made["turns_after"]) == (None, 0)


def test_it_keeps_the_contract_where_much_failed() -> None:
    batch = told(
        prompt(0, "Go."),
        ran(1, "cat /a", GONE.format("/a")),
        ran(2, "cat /b", GONE.format("/b"), session_id="other"),
        ran(3, "npm test", "Shell command failed", session_id="other"),
        used(4, "Bash", '{"command":"ls"}', session_id="other"),
        {"event_type": "hook", "time": at(5), "error_message": "boom"},
        {"event_type": "api_error", "time": at(6), "error_message": "Overloaded"},
        {"event_type": "api_request", "time": at(7), "request_id": "r", "output_tokens": 5},
        ran(8, "cat /c", GONE.format("/c"), session_id="third"),
    )

    check_processor(factory, {}, batches=[batch], made=run_sessions(chain(), batch))

    assert len(clusters(batch)) == 6


def test_each_category_stands_on_the_page() -> None:
    page = PAGE.read_text("utf-8")

    missing = [category for category in CATEGORIES if f"`{category}`" not in page]

    assert missing == []
