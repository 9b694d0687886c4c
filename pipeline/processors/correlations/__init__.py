"""Make `correlations`: what was done last, before an error, to each file the error is about.

The cause is the agent's where it edited the file, a human's where one named it in a prompt or
decided on a use of a tool that was about it. What was done last to a file is a likely cause and
no more: ``confidence`` says how likely.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...core.batch import Batch, Table
from ...core.component import Factory, Kind, Settings
from ...core.found import CORRELATIONS
from ...core.sessions import Again, Cadence, Need, Sessions
from ...durations import Duration
from ...evidence.errors import NEEDS, Errors, errors_of
from ...evidence.files import folders_of
from ...evidence.naming import names_of
from ...session.cadence import FindingConfig, version_of
from ...session.groups import Groups, Numbers, mask_of
from ...session.numbers import sound
from .causes import Pairs, elsewhere, pairs_of
from .doings import (
    AGENT,
    DECISIONS_NEED,
    PROMPTS_NEED,
    Actions,
    Doings,
    actions_on,
    failures_of,
    files_told,
)

_CODE = 1
"""Part of the version: grows when rows of the same events become others."""

_MOMENT = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)

_OF_AGENT, _OF_HUMAN = 0.7, 0.5
"""How likely it is that what was done last to a file is why something about it failed."""


class Config(FindingConfig):
    """Relate each error to the last edit or human action on the same file before it."""

    within: Annotated[Duration, Field(gt=_MOMENT)] = timedelta(hours=1)
    """What was done to a file longer ago than that is not related to an error."""


@dataclass(frozen=True, slots=True)
class Correlate:
    """Makes `correlations`."""

    within_us: int
    version: str
    cadence: Cadence
    scope: Literal["session"] = "session"
    needs: Sequence[Need] = (*NEEDS, PROMPTS_NEED, DECISIONS_NEED)
    tables: Sequence[Table] = (CORRELATIONS,)

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the correlations of the sessions at hand."""
        sessions = sound(sessions)
        errors = errors_of(sessions)
        told = files_told(sessions, errors.uses)
        actions = actions_on(sessions, errors.uses, told)
        failed = failures_of(errors, told)
        pairs = pairs_of(actions.done, failed)
        folders = folders_of(errors.uses.command).take(errors.column("use"))
        pairs = pairs.where(~elsewhere(pairs, actions.done, failed, folders))
        pairs = _chosen(pairs, actions.done, failed, self.within_us)
        if len(pairs.failed):
            yield Batch(CORRELATIONS, _rows(pairs, errors, actions, failed))


def _chosen(pairs: Pairs, done: Doings, failed: Doings, within_us: int) -> Pairs:
    """Leave out what was too long ago, and all but the last of one error on one file."""
    error, action = failed.files.row[pairs.failed], done.files.row[pairs.done]
    ago_us = failed.at_us[error] - done.at_us[action]
    told = mask_of(failed.event_id.is_valid())[error] & mask_of(done.event_id.is_valid())[action]
    near = np.flatnonzero(told & (ago_us >= 0) & (ago_us <= within_us))
    order = near[np.lexsort((near, -ago_us[near]))]
    which = pa.array(error[order])
    keys = (failed.session_id.take(which), failed.event_id.take(which))
    path = done.files.path.take(pa.array(pairs.done[order]))
    last = Groups.by(*keys, path).last_row(path).to_numpy()
    kept = np.sort(order[last])
    return Pairs(pairs.failed[kept], pairs.done[kept])


def _rows(pairs: Pairs, errors: Errors, actions: Actions, failed: Doings) -> pa.RecordBatch:
    done = actions.done
    error, action = failed.files.row[pairs.failed], done.files.row[pairs.done]
    ago_us = failed.at_us[error] - done.at_us[action]
    named = _named(errors, error)
    cause = actions.cause.take(pa.array(action))
    columns = {
        **{name: named.column(name) for name in ("session_id", "agent", "turn_id", "tool_call_id")},
        "error_event_id": named.column("event_id"),
        "cause_event_id": done.event_id.take(pa.array(action)),
        "cause": cause,
        "file_path": done.files.name.take(pa.array(pairs.done)),
        "error_at": named.column("at"),
        "time_delta_ms": pa.array(ago_us / 1000.0),
        "confidence": pc.if_else(pc.equal(cause, AGENT), _OF_AGENT, _OF_HUMAN),
        "fingerprint": names_of(named).fingerprint,
    }
    arrays = [columns[field.name].cast(field.type) for field in CORRELATIONS.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=CORRELATIONS.schema)


def _named(errors: Errors, rows: Numbers) -> Errors:
    return Errors(errors.rows.take(pa.array(rows)), errors.uses, errors.calls)


def _build(config: Config, settings: Settings) -> Correlate:  # noqa: ARG001
    return Correlate(config.within // _MICROSECOND, version_of(_CODE, config), config.cadence)


factory = Factory(Kind.PROCESSOR, "correlations", Config, _build)
