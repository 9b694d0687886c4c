"""List lines of advice: what they rest on, and what came before and after they were adopted."""

from rich.console import Console
from rich.text import Text

from .errors import after
from .reading import Reader, Row, write_json
from .shown import console, counted, indent, plain, say, when, whose
from .which import short_ids

_ADVICE = """
SELECT * FROM advice
ORDER BY adopted_at IS NOT NULL, cost_after_usd DESC NULLS LAST, errors DESC, advice_id
"""
_HOW = "Put the line into the file, then say so: agentpond insights adopt ID"


def show_advice(reader: Reader, *, as_json: bool) -> None:
    """Print all lines of advice, those not adopted first. Raises Permanent or Retryable."""
    reader.require("advice")
    found = reader.rows(_ADVICE)
    if as_json:
        write_json(found)
        return
    out = console()
    if not found:
        need = "It comes of errors that were in two sessions of one agent and project."
        say(out, f"There is no advice. {need}", reader.unmade("error_clusters"))
        return
    short = short_ids(reader, (each for row in found for each in row["evidence"]))
    for row in found:
        _show(out, row, short)
    if any(row["adopted_at"] is None for row in found):
        say(out, _HOW)


def _show(out: Console, row: Row, short: dict[str, str]) -> None:
    project = "projects that are not told" if row["project"] is None else plain(row["project"])
    head = Text(row["advice_id"], "bold")
    head.append(f"  {row['file']} of {project} ({whose(row['agent'])})", "not bold")
    out.print(head)
    indent(out, plain(row["line"]), "green")
    indent(out, f"spares: {plain(row['template'])}")
    users = f", {counted(row['users'], 'known user')}" if row["users"] else ""
    spread = f"{counted(row['errors'], 'error')} in {counted(row['sessions'], 'session')}{users}"
    last = f"last {when(row['last_at'])}" if row["last_at"] else ""
    indent(out, "; ".join(each for each in (spread, after(row), last) if each))
    indent(out, f"seen in: {', '.join(short[each] for each in row['evidence'])}")
    indent(out, rates(row))


def rates(row: Row) -> str:
    """Say how often the error comes, before and after the line was adopted."""
    before = _rate(row["rate_before"], row["sessions_before"])
    if row["adopted_at"] is None:
        return f"not adopted; {before}"
    since = f"adopted since {when(row['adopted_at'])}"
    return f"{since}; {before} before -> {_rate(row['rate_after'], row['sessions_after'])} since"


def _rate(rate: float | None, sessions: int) -> str:
    return "no sessions" if rate is None else f"{rate:.2f} a session (of {sessions:,})"
