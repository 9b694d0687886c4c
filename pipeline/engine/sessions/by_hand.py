"""Run a processor because someone asked for it, portion by portion, telling how far it is."""

from collections.abc import Iterator
from dataclasses import replace
from shlex import quote

import pyarrow as pa

from ...core.errors import Permanent
from .asked import Asked, Progress
from .ripe import NO_SUSPECTS, first_chunk, without
from .runs import Runs
from .turn import Turn


def process_due(runs: Runs, turn: Turn, asked: Asked, who: str) -> Iterator[Progress]:
    """Run on what is due when asked, whether quiet or not, or on everything.

    The caller holds the turn.

    Raises:
        Permanent: the store does not know the session.
        Retryable: the store cannot at the moment.
        Stopped: the engine is to stop.

    """
    left = _due(runs, asked)
    told = Progress(runs.name, 0, left.num_rows, 0, 0)
    suspects = NO_SUSPECTS
    yield told
    while left.num_rows:
        chunk = first_chunk(left, suspects=suspects)
        with turn.portion(who, chunk.num_rows):
            done = runs.run(chunk)
        left = without(left, without(chunk, done.left))
        suspects = suspects.after(chunk, done.left)
        told = Progress(
            told.processor,
            told.done + done.sessions,
            told.of,
            told.rows + done.rows,
            told.failed + done.failed,
        )
        yield told


def _due(runs: Runs, asked: Asked) -> pa.Table:
    known = replace(asked, everything=True)
    if asked.session_id is not None and not runs.due(known).num_rows:
        raise Permanent(
            f"process: the store knows no session {quote(asked.session_id)}. Look into session_id "
            f"of processor_state for those it knows.",
            reason="unknown_session",
        )
    return runs.due(asked)
