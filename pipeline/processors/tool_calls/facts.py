"""Tell what each use of a tool was: its name, its file, who used it, and how it went."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...core.schema import SMALL
from ...session.texts import captured, string_member
from .uses import Part, Uses, match

_CLAUDE_CODE, _CODEX = "claude_code", "codex"
_NONE = pa.scalar(None, pa.string())
_ANY = (Part.RESULT, Part.DECISION, Part.RUN, Part.SPAN)

# What Claude Code's log records say in place of a name: reference, sections 6 and 12.
_NO_NAMES = pa.array(["mcp_tool", "custom"])

_OF_SERVER = r"^mcp__(?P<told>.+?)__.+$"
_WITHIN_SERVER = r"^mcp__.+?__(?P<told>.+)$"

# Codex' spans put it before the name, without a mark between: reference of Codex, section 5.1.
_NAMESPACED = r"^(?:multi_agent_v1|collaboration|functions)(?P<told>[a-z].*)$"

_PATHS = ("file_path", "notebook_path", "path")
_PATCHED = r"(?:^|\n)\*\*\* (?:Update|Add|Delete) File: (?P<told>[^\r\n]+)"

# What Claude Code tells hooks and transcripts: reference, section 16.
_EXIT_CODE = r"^(?:Error: )?[Ee]xit code:? (?P<told>[0-9]{1,9})\b"

# Redacted, an error is told by its type.
_TYPE = r"^(?P<told>[A-Z][A-Za-z]+Error)$"

_OUTPUT = r"(?s)(?:^|\n)Output:\n(?P<told>.*)$"
_CUT = "[... telemetry preview truncated ...]"
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """How uses went."""

    success: pa.BooleanArray
    exit_code: pa.Int32Array
    error_type: pa.StringArray
    error_message: pa.StringArray


def names_of(uses: Uses) -> tuple[pa.StringArray, pa.StringArray]:
    """Give the tools' names and their MCP servers.

    Log records tell the parts, if anything; Claude Code's spans tell both as
    `mcp__server__tool`, Codex' spans without a mark between.
    """
    codex = pc.equal(uses.one("agent"), _CODEX)
    logged = uses.first("tool_name", Part.RESULT, Part.DECISION)
    hidden = pc.is_in(logged, value_set=_NO_NAMES)
    traced = uses.first("tool_name", Part.RUN, Part.SPAN)
    traced = pc.coalesce(captured(pc.if_else(codex, traced, _NONE), _NAMESPACED), traced)
    name = pc.coalesce(pc.if_else(hidden, _NONE, logged), traced, logged)
    joined = pc.if_else(codex, _NONE, name)
    server = pc.coalesce(uses.first("mcp_server", *_ANY), captured(joined, _OF_SERVER))
    return pc.coalesce(captured(joined, _WITHIN_SERVER), name), server


def files_of(uses: Uses) -> pa.StringArray:
    """Give the file each use was about; the first one of a patch."""
    told = uses.first("tool_input", Part.RESULT, Part.SPAN)
    patch = pc.if_else(pc.starts_with(told, "*** Begin Patch"), told, _NONE)
    return pc.coalesce(
        uses.of(Part.SPAN, "attributes.file_path"),
        captured(patch, _PATCHED),
        string_member(pc.if_else(patch.is_valid(), _NONE, told), *_PATHS),
    )


def users_of(uses: Uses) -> tuple[pa.StringArray, pa.StringArray]:
    """Give the kind and the id of the sub-agent that used each tool.

    Claude Code's span of a use names by `subagent` whom the use called: it tells who is at
    work in the spans below its run. So does `subagent_id` on Codex' results: it is the session
    that was started.
    """
    session = pa.array(uses.session).take(uses.first_row)
    ours = pc.equal(uses.one("agent"), _CLAUDE_CODE)
    spawned = pc.if_else(ours, uses.of(Part.SPAN, "subagent"), _NONE)
    above = match(
        session, uses.of(Part.RUN, "span_id"), session, uses.of(Part.SPAN, "parent_span_id")
    )
    own = pc.if_else(ours, _NONE, uses.of(Part.SPAN, "subagent"))
    kind = pc.coalesce(spawned.take(above), uses.first("subagent", Part.RESULT, Part.DECISION), own)
    user_id = uses.first("subagent_id", Part.SPAN, Part.RUN, Part.RESULT, Part.DECISION)
    codex = pc.fill_null(pc.equal(uses.one("agent"), _CODEX), fill_value=False)
    return kind, pc.if_else(codex, _NONE, user_id)


def outcome_of(uses: Uses, status: pa.StringArray) -> Outcome:
    """Tell how uses went; one without a result neither worked nor failed."""
    told = uses.first("error_message", Part.RESULT, Part.RUN, Part.SPAN)
    as_type = captured(told, _TYPE)
    kind = pc.coalesce(uses.first("error_type", Part.RESULT, Part.RUN, Part.SPAN), as_type)
    exit_code = _exit_code(uses, told)
    success = _success(uses, kind, exit_code)
    no_result = pc.is_in(status, value_set=pa.array(["pending", "no_result"]))
    success = pc.if_else(no_result, pa.scalar(None, pa.bool_()), success)
    failed = pc.fill_null(pc.invert(success), False)
    denied = pc.equal(uses.of(Part.SANDBOX, "attributes.outcome"), "denied")
    in_sandbox = pc.if_else(pc.and_(failed, denied), pa.scalar("sandbox_denied"), _NONE)
    return Outcome(
        success,
        exit_code,
        pc.coalesce(kind, in_sandbox),
        _message(uses, pc.if_else(as_type.is_valid(), _NONE, told), failed),
    )


def _exit_code(uses: Uses, error: pa.StringArray) -> pa.Int32Array:
    told = uses.of(Part.RESULT, "exit_code")
    other = pc.if_else(pc.equal(uses.one("agent"), _CODEX), _NONE, error)
    return pc.coalesce(told, captured(other, _EXIT_CODE).cast(SMALL))


def _success(uses: Uses, error_type: pa.StringArray, exit_code: pa.Int32Array) -> pa.BooleanArray:
    """Tell what worked; Codex calls every command a success that could be started."""
    told = uses.first("success", Part.RESULT, Part.RUN, Part.SPAN)
    failing = pc.equal(uses.of(Part.RUN, "attributes.outcome"), "failed")
    failed = pc.or_kleene(error_type.is_valid(), failing)
    untold = pc.if_else(failed, pa.scalar(value=False), pa.scalar(None, pa.bool_()))
    other = pc.fill_null(pc.not_equal(exit_code, 0), False)
    return pc.if_else(other, pa.scalar(value=False), pc.coalesce(told, untold))


def _message(uses: Uses, error: pa.StringArray, failed: pa.BooleanArray) -> pa.StringArray:
    """Give the error; for Codex the end of what a failed command put out."""
    codex = pc.and_(pc.equal(uses.one("agent"), _CODEX), failed)
    output = pc.if_else(codex, pc.coalesce(error, uses.of(Part.RESULT, "content")), _NONE)
    text = pc.coalesce(captured(output, _OUTPUT), output)
    text = pc.utf8_trim_whitespace(pc.replace_substring(text, _CUT, ""))
    text = pc.utf8_slice_codeunits(text, start=-_MOST_CHARACTERS)
    return pc.coalesce(pc.if_else(pc.equal(text, ""), _NONE, text), error)
