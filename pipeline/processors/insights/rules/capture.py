"""Find what an agent does not tell, with the setting that makes it tell."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ....core.made import TOOL_CALLS
from ....core.sessions import SESSIONLESS
from ....session.groups import Mask, mask_of
from ....session.texts import worded
from ....session.unmade import unmade
from ..config import Config
from ..finding import Found, Rule, findings, no_evidence
from ..given import Given, of_sessions

_RULE = Rule("missing_signals", "capture", "{what} {setting}")

_TOOL_USE = pa.array(["tool_use", "tool_calls"])

_WHAT: Mapping[str, str] = {
    "logs": "Only metrics tell of this session: no prompts, tools or errors.",
    "tools": "Its API calls ask for tools, and nothing tells of any.",
    "words": "Tools failed, and nothing tells with what words.",
    "records": "Records are missing: about {held} % of what the agent says it sent is here.",
}
"""What may be missing, and what that means."""

_SETTINGS: Mapping[tuple[str, str], str] = {
    ("logs", "claude_code"): "Set `OTEL_LOGS_EXPORTER=otlp` where Claude Code runs.",
    ("logs", "codex"): "Set `exporter` under `[otel]` in Codex' config.toml.",
    ("logs", ""): "Have the agent send logs or traces too.",
    ("tools", "claude_code"): "Set `OTEL_LOGS_EXPORTER=otlp` where Claude Code runs.",
    ("tools", "codex"): "Set `exporter` under `[otel]` in Codex' config.toml.",
    ("tools", ""): "Have the agent send a span `execute_tool` for each use of a tool.",
    ("words", "claude_code"): "Set `OTEL_LOG_TOOL_DETAILS=1` where Claude Code runs.",
    ("words", "codex"): "Set `exporter` under `[otel]` in Codex' config.toml.",
    ("words", ""): "Have the agent put `error.message` on its spans.",
    ("records", "claude_code"): (
        "Set `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`, which sends again what was refused, and "
        "keep this service running while the agent works."
    ),
    ("records", "codex"): (
        "Codex sends each request once: keep this service running while it works."
    ),
    ("records", ""): "Keep this service running while the agent works.",
}
"""What to set, by what is missing and the agent; of any other agent under ''."""


def missing_signals(given: Given, config: Config) -> pa.RecordBatch:
    """Give what each session lacks, a finding for each kind of it."""
    own = given.own
    events = of_sessions(given.events, given.ids)
    signal = given.events.column("signal")
    any_of = {name: events.any(mask_of(pc.equal(signal, name))) for name in ("logs", "traces")}
    metrics = events.any(mask_of(pc.equal(signal, "metrics")))
    place = pc.index_in(own.column("session_id"), value_set=given.ids).to_numpy()
    ratio = own.column("capture_ratio")
    lacking = {
        "logs": (metrics & ~any_of["logs"] & ~any_of["traces"] & _metered(given))[place],
        "tools": _without_tools(given)[place],
        "words": _without_words(given)[place],
        "records": mask_of(pc.less(ratio, config.capture_least)) & ~_counted_twice(given)[place],
    }
    parts = [_found(given, what, mask) for what, mask in lacking.items()]
    rows = pa.Table.from_batches(parts).combine_chunks()
    return rows.to_batches()[0] if rows.num_rows else parts[0]


def _metered(given: Given) -> Mask:
    """Mask the sessions that have a name, and the days without one that have usage of their own.

    Metrics may name no session though logs do, as those of Codex. What of such a day nothing
    else tells of, at whatever session, is what the ledger counts of it.
    """
    counted = mask_of(pc.equal(given.calls.column("usage_source"), "metrics"))
    named = ~mask_of(pc.starts_with(given.ids, f"{SESSIONLESS}:"))
    metered: Mask = named | of_sessions(given.calls, given.ids).any(counted)
    return metered


def _counted_twice(given: Given) -> Mask:
    """Mask the sessions whose agent counted usage several times: too little is told to be here.

    Source: reference of Claude Code, section 10, gateways that repeat usage; the ledger notes it.
    """
    calls = given.calls
    noted = mask_of(pc.match_substring(calls.column("cost_note"), "repeats usage"))
    twice: Mask = of_sessions(calls, given.ids).any(noted)
    return twice


def _without_tools(given: Given) -> Mask:
    """Mask the sessions whose calls ended in the use of a tool, and that used none."""
    calls = given.calls
    asked = mask_of(pc.is_in(calls.column("stop_reason"), value_set=_TOOL_USE))
    told = of_sessions(given.errors.uses.calls, given.ids).counts().to_numpy() > 0
    told |= unmade(given.sessions, TOOL_CALLS.name, given.ids)
    lacking: Mask = of_sessions(calls, given.ids).any(asked) & ~told
    return lacking


def _without_words(given: Given) -> Mask:
    """Mask the sessions in which no tool that failed tells an error or its command."""
    errors = given.errors
    tools = of_sessions(errors.rows, given.ids, errors.of("tool"))
    told = mask_of(errors.column("program").is_valid())
    said = errors.uses.column("error_message").take(errors.column("use"))
    told |= mask_of(said.is_valid())
    failed: Mask = tools.counts().to_numpy() > 0
    return failed & ~tools.any(told)


def _found(given: Given, what: str, mask: Mask) -> pa.RecordBatch:
    own = given.own.filter(pa.array(mask))
    count = own.num_rows
    held = pc.round(pc.multiply(pc.fill_null(own.column("capture_ratio"), 0.0), 100.0))
    said = _said(_WHAT[what], {"held": held.cast(pa.int64())}, count)
    return findings(
        _RULE,
        Found(
            own.column("session_id"),
            pa.repeat(pa.scalar("info" if what == "words" else "warning"), count),
            {
                "missing": pa.repeat(pa.scalar(what), count),
                "capture_ratio": own.column("capture_ratio"),
            },
            own.column("started_at"),
            no_evidence(count),
            subject=pa.repeat(pa.scalar(what), count),
            words={"what": said, "setting": _setting(own.column("agent"), what)},
        ),
    )


def _said(sentence: str, told: Mapping[str, pa.Array], count: int) -> pa.StringArray:
    return worded(sentence, told) if "{" in sentence else pa.repeat(pa.scalar(sentence), count)


def _setting(agent: pa.StringArray, what: str) -> pa.StringArray:
    setting = pa.repeat(pa.scalar(_SETTINGS[what, ""]), len(agent))
    for name in ("claude_code", "codex"):
        own = pc.fill_null(pc.equal(agent, name), fill_value=False)
        setting = pc.if_else(own, pa.scalar(_SETTINGS[what, name]), setting)
    return setting
