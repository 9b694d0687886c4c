"""Propose a line for the agent's instructions that may spare it an error, in an error's own words.

The sentences are data: of each kind of error those that fit, the most telling first. One that
names something that is not told is passed over. What no instruction can mend (an error in the
code under work, a test that fails, an overloaded API) has none.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ...session.texts import worded

_NONE = pa.scalar(None, pa.string())

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "missing_command": (
        "There is no `{program}` here; what worked was `{remedy}`.",
        "There is no `{program}` here: do not call it without installing it first.",
    ),
    "missing_module": (
        (
            "Run `{program}` in the project's environment: modules are missing elsewhere "
            "(what worked was `{remedy}`)."
        ),
        "Install the project's dependencies before running `{program}`: modules are missing.",
    ),
    "missing_file": (
        "Before `{program}` reads a path, check that it exists: guessed paths do not ({said}).",
        "Before using `{tool_name}` on a file, list its folder: guessed paths do not exist.",
    ),
    "edit_mismatch": (
        (
            "Read a file again right before using `{tool_name}` on it, and copy what is to be "
            "replaced exactly as it stands."
        ),
    ),
    "invalid_input": (
        "Give `{tool_name}` only arguments that its schema knows, as valid JSON ({said}).",
    ),
    "unknown_tool": ("There is no tool `{tool_name}` here: use those that are listed.",),
    "permission_denied": (
        "`{program}` has no permission for what it was asked ({said}): ask before trying.",
        "`{tool_name}` has no permission for what it was asked ({said}): ask before trying.",
    ),
    "sandbox": (
        "The sandbox forbids what `{program}` was asked to do ({said}): keep to the workspace.",
        "The sandbox forbids what `{tool_name}` was asked to do ({said}).",
    ),
    "timeout": (
        "`{program}` takes longer than a tool may run: run a part of it, or in the background.",
        "`{tool_name}` takes longer than it may: ask it for less at a time.",
    ),
    "out_of_memory": ("`{program}` runs out of memory here: run it on a part at a time.",),
    "merge_conflict": ("Before `{program}`, bring the branch up to date and resolve conflicts.",),
    "network": (
        "There is no network where `{program}` runs ({said}): do not depend on it.",
        "`{tool_name}` cannot reach the network ({said}): do not depend on it.",
    ),
    "authentication": (
        "`{program}` is not logged in here ({said}): ask for credentials before using it.",
        "`{tool_name}` is not logged in here ({said}): ask for credentials before using it.",
    ),
    "other": (
        '`{program}` fails here with "{said}"; what worked was `{remedy}`.',
        '`{program}` fails here with "{said}": check for that before running it.',
        "`{program}` fails here at times; what worked was `{remedy}`.",
        '`{tool_name}` fails here with "{said}": check for that before using it.',
    ),
}

# They are mended where they come from, not by telling the agent.
_NO_ADVICE = frozenset(
    {
        *("type_error", "syntax_error", "compile_error", "test_failure"),
        *("rate_limit", "overloaded", "interrupted"),
    }
)

_OF_SERVERS = "Do not rely on the MCP server `{mcp_server}`: it does not connect here."


def advice_of(clusters: Mapping[str, pa.Array]) -> pa.StringArray:
    """Give each cluster its line; NULL where no instruction would help.

    Takes category, source, tool_name, mcp_server, program, `said` (the template, where the
    error says anything), `remedy` (the command with which the same program worked later) and
    `tests`: whether the command ran tests.
    """
    category = clusters["category"]
    line = _first(SENTENCES["other"], clusters)
    line = pc.if_else(_among(category, _NO_ADVICE), _NONE, line)
    for kind, sentences in SENTENCES.items():
        own = pc.equal(category, kind)
        if own.true_count:
            line = pc.if_else(own, _first(sentences, clusters), line)
    line = pc.if_else(_of_tests(clusters), _NONE, line)
    tools = pc.if_else(pc.equal(clusters["source"], "tool"), line, _NONE)
    servers = worded(_OF_SERVERS, clusters)
    return pc.coalesce(tools, pc.if_else(pc.equal(clusters["source"], "mcp"), servers, _NONE))


def _of_tests(clusters: Mapping[str, pa.Array]) -> pa.BooleanArray:
    """Tell what is of the code under test; not that a runner is elsewhere, where it is told."""
    elsewhere = pc.and_(
        pc.equal(clusters["category"], "missing_command"), clusters["remedy"].is_valid()
    )
    return pc.and_not(clusters["tests"], elsewhere)


def _first(sentences: tuple[str, ...], clusters: Mapping[str, pa.Array]) -> pa.StringArray:
    return pc.coalesce(*(worded(sentence, clusters) for sentence in sentences))


def _among(category: pa.StringArray, words: frozenset[str]) -> pa.BooleanArray:
    return pc.is_in(category, value_set=pa.array(sorted(words)))
