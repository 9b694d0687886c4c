"""Show what processors and reviewers found in sessions, the most severe first."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from .findings import Severity
from .reading import Reader, Row, write_json
from .shown import STYLES, console, counted, indent, plain, say, usd, when, whose
from .which import Which, latest_of, resolved, short_ids

LATEST = 10
SHOWN = 50

_RANKS = {each.value: rank for rank, each in enumerate(Severity)}
_OF_BOTH = (
    'session_id, agent, insight_id, kind, severity, category, message, payload, "at", turn_id, '
    "cost_usd, provider, model, processor_version, evidence"
)
# A rule's finding has no reviewer; NULL alone would be an INTEGER to DuckDB.
_FOUND = f"""
SELECT {_OF_BOTH}, 'rules' AS made_by, NULL::VARCHAR AS reviewer_model,
    NULL::TIMESTAMP AS reviewed_at
FROM insights
UNION ALL
SELECT {_OF_BOTH}, made_by, reviewer_model, reviewed_at FROM reviews WHERE made_by = 'model'
"""  # noqa: S608 - of constants
# What rules say in the place of a model is no finding: it says that the review is still to come.
_WAITING = "SELECT count(*) AS sessions FROM reviews WHERE made_by = 'rules'"
_SUMMARY = "review_summary"
_RANK = " ".join(f"WHEN '{severity}' THEN {rank}" for severity, rank in _RANKS.items())


def show_insights(reader: Reader, which: Which, least: Severity, *, as_json: bool) -> None:
    """Print findings that are as severe as ``least``. Raises Permanent or Retryable."""
    reader.require("insights", "reviews", "sessions")
    which = resolved(reader, which)
    found = _found(reader, which, least)
    if as_json:
        write_json([{**row, "payload": _payload(row["payload"])} for row in found])
        return
    out = console()
    if not found:
        severe = "" if least is Severity.INFO else f" as severe as `{least}`"
        say(out, f"There are no findings{severe} {which.words()}.", reader.unmade("insights"))
        return
    short = short_ids(reader, (row["session_id"] for row in found[:SHOWN]))
    for row in found[:SHOWN]:
        _show(out, row, short)
    say(out, _summary(found, which), _waiting(reader))


def _found(reader: Reader, which: Which, least: Severity) -> list[Row]:
    """Look up findings; of all sessions, only in those heard of last that have any."""
    severe = f"coalesce(CASE severity {_RANK} END, 0) >= {_RANKS[least]}"
    has_any = (
        f"session_id IN (SELECT session_id FROM found WHERE kind IS DISTINCT FROM '{_SUMMARY}')"  # noqa: S608 - a constant
    )
    chosen = which.ids() or latest_of(has_any, LATEST)
    return reader.rows(f"""
        WITH found AS (SELECT * FROM ({_FOUND}) WHERE {severe}), chosen AS ({chosen})
        SELECT * FROM found WHERE session_id IN (SELECT session_id FROM chosen)
        ORDER BY CASE severity {_RANK} END DESC NULLS LAST, "at" DESC NULLS LAST, session_id,
            insight_id
    """)  # noqa: S608 - of constants, and of literals


def _payload(text: str | None) -> Any:
    """Read what is JSON by contract; what is not stays a text."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _show(out: Console, row: Row, short: dict[str, str]) -> None:
    severity = plain(row["severity"]) or "info"
    session = short[row["session_id"]]
    told = (row["kind"], when(row["at"]), f"{whose(row['agent'])} {session}", usd(row["cost_usd"]))
    head = Text(f"{severity:<8}", STYLES.get(severity, ""))
    head.append("  ".join(["", *(plain(each) for each in told if each)]), "default")
    out.print(head)
    indent(out, plain(row["message"]))
    payload = _payload(row["payload"])
    advice = payload.get("advice") if isinstance(payload, dict) else None
    if advice:
        indent(out, f"advice: {plain(str(advice))}", "green")
    if row["made_by"] == "model":
        indent(out, f"(reviewed by the model {plain(row['reviewer_model'])})", "dim")


def _waiting(reader: Reader) -> str:
    (row,) = reader.rows(_WAITING)
    waiting = counted(row["sessions"], "session")
    verb = "waits" if row["sessions"] == 1 else "wait"
    return f"{waiting} {verb} for a model's review." if row["sessions"] else ""


def _summary(found: Sequence[Row], which: Which) -> str:
    number = len({row["session_id"] for row in found})
    where = f"in {counted(number, 'session')}"
    if which.ids() is None:
        where += ", the latest with any"
    more = f"; {SHOWN} of them shown, --json gives all" if len(found) > SHOWN else ""
    return f"{counted(len(found), 'finding')} {where}{more}. Times are UTC."
