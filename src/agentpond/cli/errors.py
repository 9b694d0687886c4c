"""Show which errors came again, in which sessions, and what they cost until something worked."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..pipeline.core.views import clusters_over
from .reading import Reader, Row, write_json
from .shown import console, counted, indent, percent, plain, say, shortened, usd, when
from .which import Which, resolved

SHOWN = 20
EXAMPLE_CHARACTERS = 300


def show_errors(reader: Reader, which: Which, *, as_json: bool) -> None:
    """Print clusters of errors. Raises Permanent or Retryable."""
    reader.require("error_clusters", "sessions")
    which = resolved(reader, which)
    found = reader.rows(_question(which))
    if as_json:
        write_json(found)
        return
    out = console()
    if not found:
        say(out, f"There are no errors {which.words()}.", reader.unmade("error_clusters"))
        return
    for row in found[:SHOWN]:
        _show(out, row, alone=which.session is not None)
    say(out, _summary(found, which))


def _question(which: Which) -> str:
    ids = which.ids()
    rows = "error_clusters"
    if ids is not None:
        rows = f"(SELECT * FROM error_clusters WHERE session_id IN ({ids})) AS chosen"  # noqa: S608 - of literals
    return f"""
        SELECT * FROM ({clusters_over(rows)})
        ORDER BY cost_after_usd DESC NULLS LAST, "count" DESC, fingerprint
    """  # noqa: S608 - of constants, and of literals


def _show(out: Console, row: Row, *, alone: bool) -> None:
    head = Text(counted(row["count"] or 0, "error"), "bold")
    head.append(f"  {' '.join(plain(each) for each in _of(row))}", "not bold")
    out.print(head)
    indent(out, plain(row["template"]))
    indent(out, "; ".join(each for each in _figures(row, alone=alone) if each))
    if alone and row["example"]:
        indent(out, f"example: {shortened(row['example'], EXAMPLE_CHARACTERS)}")
    if alone and row["resolved_by"]:
        indent(out, f"worked again with: {shortened(row['resolved_by'], 300)}")
    if row["advice"]:
        indent(out, f"advice: {plain(row['advice'])}", "green")


def _of(row: Row) -> list[str]:
    return [each for each in (row["tool_name"] or row["source"], row["category"]) if each]


def _figures(row: Row, *, alone: bool) -> tuple[str, ...]:
    spread = counted(row["sessions"], "session")
    if row["users"]:
        # Agents need not tell: of the other sessions nothing is known.
        spread += f", {counted(row['users'], 'known user')}"
    return (
        "" if alone else spread,
        after(row),
        _resolved(row["resolved"], row["count"]),
        f"last {when(row['last_at'])}" if row["last_at"] else "",
    )


def _resolved(resolved: int | None, count: int | None) -> str:
    if resolved is None or count is None:
        return ""
    if not resolved:
        return "never worked again"
    return "worked again" if resolved == count else f"worked again after {resolved:,} of them"


def after(row: Row) -> str:
    """Say what errors cost until something worked; empty where nothing tells."""
    cost, turns = row["cost_after_usd"], row["turns_after"]
    coverage = row.get("cost_after_coverage")
    told = [f"{usd(cost)} after it"] if cost is not None else []
    if cost is not None and coverage is not None and coverage < 1:
        told.append(f"({percent(coverage)} of the calls priced)")
    if turns:
        told.append(
            f"in {counted(turns, 'turn')}" if told else f"{counted(turns, 'turn')} after it"
        )
    return " ".join(told)


def _summary(found: Sequence[Row], which: Which) -> str:
    errors = counted(sum(row["count"] or 0 for row in found), "error")
    more = f"; {SHOWN} kinds shown, --json gives all" if len(found) > SHOWN else ""
    where = "over all sessions" if which.ids() is None else which.words()
    return f"{errors} of {counted(len(found), 'kind')} {where}{more}. Times are UTC."
