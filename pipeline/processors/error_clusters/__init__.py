"""Make `error_clusters`: what failed alike in a session, how often, and what came of it.

Errors are alike where their templates are: the line that matters of each, with paths, numbers,
ids and the like masked. A template is made of its error alone, so that a cluster is the same in
all sessions, on any machine; the view `error_clusters_all` puts them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.found import ERROR_CLUSTERS
from ...core.made import API_CALLS
from ...core.sessions import Again, Cadence, Need, Sessions
from ...durations import Duration
from ...evidence.after import After, after_of, how_it_worked
from ...evidence.commands import may_be_shown, programs_of, run_tests
from ...evidence.errors import NEEDS, Errors, errors_of
from ...evidence.naming import Names, names_of
from ...evidence.spending import spent_after
from ...session.cadence import FindingConfig, version_of
from ...session.groups import Groups
from ...session.numbers import sound
from ...session.texts import captured
from ...session.unmade import unmade, untold
from .advice import advice_of

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_NONE = pa.scalar(None, pa.string())

# Without the folder it is in: `pytest` and `.venv/bin/pytest` end alike.
_LAST_WORD = r"(?P<told>[^\s/]+)\s*$"


class Config(FindingConfig):
    """Group errors that are alike, with what came after them and what that cost."""

    matters_for: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(hours=1)
    """What comes after an error counts as spent on it until the same tool works again, but no
    longer than that."""


@dataclass(frozen=True, slots=True)
class ErrorClusters:
    """Makes `error_clusters`."""

    matters_us: int
    version: str
    cadence: Cadence
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = NEEDS
    tables: Sequence[Table] = (ERROR_CLUSTERS,)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the clusters of the sessions at hand."""
        errors = errors_of(sound(sessions))
        if len(errors):
            columns = _columns(errors, names_of(errors), after_of(errors, self.matters_us))
            yield Batch(ERROR_CLUSTERS, _rows(sessions, columns))


def _rows(sessions: Sessions, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Put columns in order; what API calls would tell is untold where nobody has made them."""
    unknown = unmade(sessions, API_CALLS.name, columns["session_id"])
    told = {**columns, **untold({"turns_after": columns["turns_after"]}, unknown)}
    arrays = [told[field.name].cast(field.type) for field in ERROR_CLUSTERS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=ERROR_CLUSTERS.schema)


def _columns(errors: Errors, names: Names, after: After) -> dict[str, pa.Array]:
    groups = Groups.by(errors.column("session_id"), names.fingerprint)
    spent = spent_after(errors, after, groups)
    at = errors.column("at")
    return {
        **_named(errors, names, after, groups),
        "count": groups.counts(),
        "first_at": groups.min(at),
        "last_at": groups.max(at),
        "resolved": _resolved(errors, after, groups),
        "resolved_by": groups.first(how_it_worked(errors.uses, after)),
        "cost_after_usd": spent.cost_usd,
        "cost_after_coverage": spent.coverage,
        "turns_after": spent.turns,
        "example_event_id": groups.first(errors.column("event_id")),
    }


def _resolved(errors: Errors, after: After, groups: Groups) -> pa.Int64Array:
    """Count the errors after which it worked again; NULL where nothing would tell."""
    told = groups.any(errors.of("tool") | errors.of("api"))
    none = pa.scalar(None, pa.int64())
    return pc.if_else(pa.array(told), groups.where(after.resolved).counts(), none)


def _named(errors: Errors, names: Names, after: After, groups: Groups) -> dict[str, pa.Array]:
    """Give what clusters are called, and what to do about them."""
    told = {
        "session_id": groups.first(errors.column("session_id")),
        "agent": groups.first(errors.column("agent")),
        "fingerprint": groups.first(names.fingerprint),
        "template": groups.first(names.template),
        "category": groups.first(names.category),
        "source": groups.first(errors.column("source")),
        "example": groups.first(names.line),
        "tool_name": groups.first(errors.column("tool_name")),
        "mcp_server": groups.first(errors.column("mcp_server")),
        "command": groups.first(errors.column("program")),
    }
    command = groups.first(errors.uses.command.take(errors.column("use")))
    remedy = groups.first(_remedies(errors, names, after))
    said = groups.first(pc.if_else(names.silent, _NONE, names.template))
    tests = pa.array(run_tests(command))
    more = {"program": told["command"], "remedy": remedy, "said": said, "tests": tests}
    return {**told, "advice": advice_of({**told, **more})}


def _remedies(errors: Errors, names: Names, after: After) -> pa.StringArray:
    """Give what worked in place of what failed: another command of the same program.

    In place of a program that is not there, a command that ends in the same word. Of one that
    is long or may hold a secret, its program.
    """
    failed = errors.uses.command.take(errors.column("use"))
    worked = how_it_worked(errors.uses, after)
    program = programs_of(worked)
    same = pc.equal(program, errors.column("program"))
    alike = pc.equal(captured(failed, _LAST_WORD), captured(worked, _LAST_WORD))
    missing = pc.equal(names.category, "missing_command")
    fits = pc.if_else(missing, alike, same)
    told = pc.if_else(pa.array(may_be_shown(worked)), worked, pc.if_else(same, _NONE, program))
    return pc.if_else(pc.and_(fits, pc.not_equal(failed, worked)), told, _NONE)


def _build(config: Config, settings: Settings) -> ErrorClusters:  # noqa: ARG001
    matters_us = config.matters_for // timedelta(microseconds=1)
    return ErrorClusters(matters_us, version_of(_CODE, config), config.cadence)


factory = Factory(Kind.PROCESSOR, "error_clusters", Config, _build)
