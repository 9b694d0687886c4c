"""Sort API calls, uses of tools and turns by the model they belong to, in one numbering."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...core.found import UNKNOWN_MODEL
from ...core.made import API_CALLS, TURNS
from ...core.sessions import Need, Sessions
from ...evidence.models import leading_calls, single_calls
from ...evidence.uses import Uses, uses_of
from ...session.groups import Groups, Mask, mask_of
from ...session.joining import last_alike

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
"""The columns of tokens; they add up to all tokens."""

CALLS_NEED = Need(
    API_CALLS,
    (
        *("session_id", "api_call_id", "agent", "turn_id", "provider", "model", "duration_ms"),
        *("success", *TOKENS, "cost_usd", "cost_status", "usage_source"),
    ),
)

TURNS_NEED = Need(TURNS, ("session_id", "turn_id", "agent", "duration_ms", "status"))


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is of each model; models are those of one session each.

    ``of_calls``, ``of_tools`` and ``of_turns`` have the model of each row of ``calls``, of
    ``uses`` and of ``turns``.
    """

    calls: pa.RecordBatch
    uses: Uses
    turns: pa.RecordBatch
    of_calls: Groups
    of_tools: Groups
    of_turns: Groups
    names: dict[str, pa.StringArray]
    """The columns session_id, agent, model and provider."""

    @property
    def count(self) -> int:
        """How many models there are."""
        return self.of_calls.count

    @property
    def by_metrics(self) -> Mask:
        """The API calls that are sums of metrics, and not single calls."""
        return mask_of(pc.equal(self.calls.column("usage_source"), "metrics"))

    @property
    def single(self) -> Mask:
        """The API calls that are a call each; see ``SUM_OF_TURN``."""
        return single_calls(self.calls) & ~self.by_metrics

    @property
    def countable(self) -> Mask:
        """The models of whose calls more is told than metrics, which tell how much they used."""
        return ~self.of_calls.any(self.by_metrics) | self.of_calls.any(~self.by_metrics)


def parts_of(sessions: Sessions) -> Parts:
    """Sort what the sessions at hand did by model."""
    calls, turns = sessions.rows[CALLS_NEED.name], sessions.rows[TURNS_NEED.name]
    uses = uses_of(sessions)
    told = (calls, uses.calls, turns)
    own = pc.fill_null(calls.column("model"), UNKNOWN_MODEL)
    model = pa.concat_arrays([own, *(_models(rows, calls, own) for rows in told[1:])])
    session_id, agent = (
        pa.concat_arrays([rows.column(name) for rows in told]) for name in ("session_id", "agent")
    )
    models = Groups.by(session_id, model)
    ends = np.cumsum([rows.num_rows for rows in told[:2]])
    of_calls, of_tools, of_turns = (
        Groups(each, models.count) for each in np.split(models.of_row, ends)
    )
    columns = {"session_id": session_id, "agent": agent, "model": model}
    names = {name: models.first(column) for name, column in columns.items()}
    names["provider"] = of_calls.first(calls.column("provider"))
    return Parts(calls, uses, turns, of_calls, of_tools, of_turns, names)


def _models(rows: pa.RecordBatch, calls: pa.RecordBatch, model: pa.StringArray) -> pa.StringArray:
    """Give rows the model that leads in their turn, else in their session, else `unknown`."""
    names = ("session_id", "turn_id")
    own, sought = ([each.column(name) for name in names] for each in (calls, rows))
    turns = Groups.by(*own, where=mask_of(own[1].is_valid()))
    in_turn = turns.spread(model.take(leading_calls(turns, calls))).take(last_alike(own, sought))
    sessions = Groups.by(own[0])
    in_session = sessions.spread(model.take(leading_calls(sessions, calls)))
    return pc.coalesce(
        in_turn, in_session.take(last_alike(own[:1], sought[:1])), pa.scalar(UNKNOWN_MODEL)
    )
