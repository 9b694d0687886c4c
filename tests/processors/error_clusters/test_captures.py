"""The errors of captured runs make the clusters that a person would make by hand."""

import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.processors.error_clusters import factory
from agentpond.pipeline.testing import check_processor
from agentpond.pipeline.testing.sessions import run_sessions

from ...evidence.happened import chain
from ...golden.batches import batch_of
from ...golden.captures import captures
from .given import captured

PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http-json", "http-protobuf"])

# What a person would say went wrong in `claude_code/tools`: the unit tests failed, a file to be
# read does not exist, and a `cat` failed. Claude Code says of a command only that it failed.
CLAUDE_CODE = [
    ("python3 -m unittest failed", "test_failure", "Bash", "python3 -m unittest", 1),
    (
        "File does not exist. Note: your current working directory is <path>.",
        *("missing_file", "Read", None, 1),
    ),
    ("cat failed", "other", "Bash", "cat", 1),
]

# And in `codex/tool_failures`: a file that `cat` and an image that `view_image` were to read do
# not exist, nothing can be written, a tool was called that there is not, one with arguments
# that are no JSON, and a process was written to that there is not. A seventh command was
# refused: it never ran, so that it did not fail.
CODEX = [
    ("exec_command", "cat", "missing_file"),
    ("exec_command", "touch", "sandbox"),
    ("no_such_tool", None, "unknown_tool"),
    ("exec_command", None, "invalid_input"),
    ("view_image", None, "missing_file"),
    ("write_stdin", None, "invalid_input"),
]


@PROTOCOLS
def test_the_failing_tools_of_claude_code_make_three_clusters(protocol: str) -> None:
    rows = captured(f"claude_code/tools/{protocol}")

    names = ("template", "category", "tool_name", "command", "count")
    assert [tuple(row.get(name) for name in names) for row in rows] == CLAUDE_CODE


@PROTOCOLS
def test_the_failing_tools_of_codex_make_six_clusters(protocol: str) -> None:
    rows = captured(f"codex/tool_failures/{protocol}")

    names = ("tool_name", "command", "category")
    assert [tuple(row.get(name) for name in names) for row in rows] == CODEX
    assert [row["count"] for row in rows] == [1] * 6


@PROTOCOLS
def test_what_failed_alike_over_two_protocols_has_one_fingerprint(protocol: str) -> None:
    rows, others = (captured(f"claude_code/tools/{each}") for each in (protocol, "grpc"))

    assert [row["fingerprint"] for row in rows] == [row["fingerprint"] for row in others]


def test_what_came_after_the_errors_of_claude_code_is_told() -> None:
    rows = captured("claude_code/tools/grpc")

    resolved = [(row["command"], row["resolved"]) for row in rows if "command" in row]
    assert resolved == [("python3 -m unittest", 1), ("cat", 1)]
    assert all(row["cost_after_usd"] > 0 and row["cost_after_coverage"] == 1 for row in rows)
    assert [row["turns_after"] for row in rows] == [1, 1, 1]


def test_what_a_server_of_tools_says_is_a_cluster_besides_the_server_that_is_not_there() -> None:
    rows = captured("claude_code/mcp/http-protobuf")

    assert sorted((row["source"], row.get("tool_name")) for row in rows) == [
        ("mcp", None),
        ("tool", "get_ticket"),
    ]


def test_refusals_for_the_rate_and_errors_of_the_server_are_clusters_of_their_own() -> None:
    rows = captured("codex/api_error_recovered/http-protobuf")

    assert {row["source"] for row in rows} == {"api"}
    assert [row["count"] for row in rows] == [1, 1, 1, 1]
    assert [row["resolved"] for row in rows] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "name",
    [
        "claude_code/tools/http-json",
        "claude_code/hooks/http-protobuf",
        "claude_code/redacted/grpc",
        "codex/tool_failures/grpc",
        "codex/api_error_recovered/http-json",
    ],
)
def test_it_keeps_the_contract_on_captured_runs(name: str) -> None:
    batch: Batch = batch_of(captures(name)[0])

    check_processor(factory, {}, batches=[batch], made=run_sessions(chain(), batch))

    assert captured(name) != []
