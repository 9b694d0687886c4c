"""Show turns that went silent before they were over, with what they were waiting for."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..config.build import stores
from ..pipeline.core.component import Kind
from .reading import Reader, Row, write_json
from .shown import console, counted, indent, moment, plain, say, shortened, usd, when, whose
from .store import planned
from .which import short_ids

PROMPT_CHARACTERS = 300
SHOWN = 50

SILENT_US = 10 * 60 * 1_000_000
"""As long as `turns` waits by default. What is made of a turn stays where no service runs."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Which turns are asked for: silent for how long until now, and heard of since when."""

    now_us: int
    since_us: int | None = None
    silent_us: int = SILENT_US


def silent_us(config: Path | None, store: Path) -> int:
    """Tell how long `turns` waits in the pipelines of a configuration that fill a store.

    Raises:
        ConfigError: the configuration cannot be used.

    """
    if config is None:
        return SILENT_US
    chosen = planned(config)
    processors = chosen.parts[Kind.PROCESSOR]
    keepers = {each for each, path in stores(chosen).items() if path.resolve() == store.resolve()}
    told = {
        processors[each].config.stalled_after
        for pipeline in chosen.pipelines.values()
        if not keepers or not keepers.isdisjoint(pipeline.exporters)
        for each in pipeline.processors
        if hasattr(processors[each].config, "stalled_after")
    }
    return max(told) // _MICROSECOND if told else SILENT_US


def show_stalled(reader: Reader, asked: Silence, *, as_json: bool) -> None:
    """Print turns that are silent, the newest first. Raises Permanent or Retryable."""
    reader.require("turns", "tool_calls", "sessions")
    found = reader.rows(_question(asked))
    if as_json:
        write_json(found)
        return
    out = console()
    if not found:
        since = "" if asked.since_us is None else f" since {moment(asked.since_us)}"
        say(out, f"No turn has stalled{since}.", reader.unmade("turns"))
        return
    short = short_ids(reader, (row["session_id"] for row in found[:SHOWN]))
    for row in found[:SHOWN]:
        _show(out, row, short)
    more = f"; {SHOWN} of them shown, --json gives all" if len(found) > SHOWN else ""
    say(out, f"{counted(len(found), 'turn')} went silent before the end{more}. Times are UTC.")


def _question(asked: Silence) -> str:
    since = "TRUE"
    if asked.since_us is not None:
        since = f"turns.ended_at >= make_timestamp({asked.since_us})"
    return f"""
        WITH waiting AS (
            SELECT session_id, turn_id, list({{
                'tool_call_id': tool_call_id, 'tool_name': tool_name, 'started_at': started_at,
                'status': status, 'file_path': file_path
            }} ORDER BY started_at, tool_call_id) AS pending
            FROM tool_calls WHERE status IN ('pending', 'no_result') GROUP BY ALL
        )
        SELECT turns.session_id, turns.agent, coalesce(repository, cwd) AS project, turns.turn_id,
            "number", turns.status, turns.started_at, turns.ended_at AS silent_since,
            ({asked.now_us} - epoch_us(turns.ended_at)) / 1e6 AS silent_s, prompt, prompt_length,
            turns.api_calls, turns.tool_calls, turns.errors, turns.cost_usd, turns.cost_coverage,
            coalesce(pending, []) AS pending
        FROM turns LEFT JOIN waiting USING (session_id, turn_id)
        LEFT JOIN sessions USING (session_id)
        WHERE {since} AND (turns.status = 'stalled' OR (turns.status = 'active'
            AND turns.ended_at <= make_timestamp({asked.now_us - asked.silent_us})))
        ORDER BY silent_since DESC NULLS LAST, turns.session_id, "number"
    """  # noqa: S608 - of constants and numbers


def _show(out: Console, row: Row, short: dict[str, str]) -> None:
    project = "" if row["project"] is None else f" in {plain(row['project'])}"
    head = Text(f"silent since {when(row['silent_since']) or 'a time not told'}", "bold")
    number = "" if row["number"] is None else f" turn {row['number']}"
    who = f"  {whose(row['agent'])} {short[row['session_id']]}{number}{project}"
    head.append(who, "not bold")
    out.print(head)
    if row["prompt"]:
        indent(out, f"prompt: {shortened(row['prompt'], PROMPT_CHARACTERS)}")
    for call in row["pending"]:
        indent(out, _waiting(call))
    cost = usd(row["cost_usd"])
    seen = counted(row["api_calls"] or 0, "API call"), counted(row["tool_calls"] or 0, "tool call")
    indent(out, ", ".join([*seen, *([f"{cost} until then"] if cost else [])]), "dim")


def _waiting(call: Row) -> str:
    of = f" on {plain(call['file_path'])}" if call["file_path"] else ""
    since = f" since {when(call['started_at'])}" if call["started_at"] else ""
    return f"no result: {plain(call['tool_name'] or 'a tool')}{of}{since}"
