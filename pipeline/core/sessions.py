"""Fix what a session-scope processor asks for, is given and gives, and what a store does for it.

Such a processor sees all events of the sessions that changed, many sessions in one call; what
it makes of them replaces what it made of them before. It stays a function of values: whatever
else it needs (rows of other tables, the time) is handed to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from .batch import Batch, Table
from .schema import EVENTS, FLAG, SMALL, TEXT, TIME, WHOLE

SESSIONLESS = "no-session"
"""Events that name no session stand in one for each agent and day (UTC):
`no-session:codex:2026-11-20`. A metric point's day is that of its `start_time`."""

BESIDE_DAYS = 32
"""So many days, and no more, are looked at beside the session-less of one; see ``Of.BESIDE``."""

EARLIER_DAYS = 30
"""So many days before a session the earlier ones may have been over; see ``Of.EARLIER``."""

_ATTRIBUTE = "attributes."


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a processor runs, and how long a session must be quiet before it does."""

    every_s: float
    """No longer than that from the beginning of one run to the next, while there is work.

    A run that took little is followed sooner: after five times what it took.
    """
    settle_s: float
    """So long nothing must have come of a session; no session waits longer than thrice that."""


class Of(StrEnum):
    """Whose rows a processor needs."""

    SESSIONS = "sessions"
    """Of the sessions at hand."""
    BESIDE = "beside"
    """Events of the same agents' sessions beside the session-less at hand: an hour around the
    day, and on until an hour after the last of the session-less was received (``BESIDE_DAYS``)."""
    TRACED = "traced"
    """Events that share a trace with one at hand: those of no session, and of other sessions.

    Codex' spans of responses name no session. A session_id that is not told stays NULL here.
    A store may leave out what was received more than a day before or behind all that is at hand.
    """
    KIN = "kin"
    """Events of any session that name one at hand as `subagent_id`, or that share a trace with
    a `session_start` at hand."""
    EARLIER = "earlier"
    """Rows of `sessions` of others that were over before one at hand began: of the same agent,
    with the same repository, user_id or user_email (NULL is like nothing, not even NULL), with a
    last_seen_at before its started_at, by at most ``EARLIER_DAYS``.

    Of all at hand together, each row once, by (last_seen_at, session_id): which of them are
    earlier than which session is for the processor to choose. A session at hand that has no row
    in `sessions` yet has none. When the rows that are earlier than a session become others, its
    readers are run on it again.
    """


@dataclass(frozen=True, slots=True)
class Need:
    """Rows of a table that a processor is to be given.

    ``columns`` may name single attributes of events: `attributes.type` is a text column of that
    name. ``event_types`` leaves out all other events; empty, it leaves out none.
    """

    table: Table
    columns: tuple[str, ...]
    event_types: tuple[str, ...] = ()
    of: Of = Of.SESSIONS
    label: str = ""
    """Tells a second need of one table from the first: few columns of all events, more of some."""
    agents: tuple[str, ...] = ()
    """Leaves out the events of all other agents, also where others share a trace with them;
    empty, it leaves out none."""

    @property
    def name(self) -> str:
        """The name the rows are given under: the label, else the table's, or that of ``of``."""
        return self.label or (self.table.name if self.of is Of.SESSIONS else self.of.value)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows that are given."""
        return pa.schema([(name, self._type(name)) for name in self.columns])

    def _type(self, name: str) -> pa.DataType:
        attribute = name.startswith(_ATTRIBUTE) and self.table.name == EVENTS.name
        return TEXT if attribute else self.table.schema.field(name).type


def attribute_of(column: str) -> str | None:
    """Give the attribute that a column of a need names; None if it is a column of the table."""
    return column.removeprefix(_ATTRIBUTE) if column.startswith(_ATTRIBUTE) else None


@dataclass(frozen=True, slots=True)
class Sessions:
    """All that a processor asked for, of the sessions at hand.

    ``ids`` ascend. Rows of ``events`` ascend by (session_id, time, sequence, event_id), those of
    other tables by (session_id, then the table's key), NULL last; for what is not of the sessions
    at hand see ``Of``. A session may have no rows.
    In ``events`` every row has a session_id, if need be one of ``SESSIONLESS``.
    """

    ids: pa.StringArray
    rows: Mapping[str, pa.RecordBatch]
    as_of_us: int
    """Now, in Unix microseconds."""
    unmade: Mapping[str, pa.StringArray] = field(default_factory=dict)
    """For each table asked for that another processor makes: the ids of the sessions of which
    nothing was made yet, because that failed or is still to come, or nobody is to make it. What
    is not made is not told: counts of it are NULL and not 0."""

    @property
    def events(self) -> pa.RecordBatch:
        """The events asked for."""
        return self.rows[EVENTS.name]


@dataclass(frozen=True, slots=True)
class Again:
    """Sessions to look at again at a time (timestamp in microseconds), without anything new.

    For what time alone changes: a session that is active now is idle in five minutes.
    """

    session_ids: pa.StringArray
    at: pa.TimestampArray


@runtime_checkable
class SessionProcessor(Protocol):
    """Turns all events of sessions into rows of tables: no clock, no I/O, no state.

    What it makes of a session must not depend on which others are at hand.
    """

    @property
    def scope(self) -> Literal["session"]:
        """Say that it sees whole sessions."""

    @property
    def version(self) -> str:
        """What its rows depend on besides its input; another one makes it run on everything."""

    @property
    def cadence(self) -> Cadence:
        """How often to run it."""

    @property
    def needs(self) -> Sequence[Need]:
        """What to give it; one of them is of ``events``."""

    @property
    def tables(self) -> Sequence[Table]:
        """The tables it makes, each with a column `session_id`; nobody else may make them."""

    def process(self, sessions: Sessions) -> Iterable[Batch | Again]:
        """Give the rows of its tables for the sessions at hand."""


DUE = pa.schema(
    [
        ("session_id", TEXT),
        ("change", WHOLE),  # of all that it reads, up to now
        ("position", WHOLE),  # the last of its events in the log
        ("changed_at", TIME),  # when its last event was received
        ("events", WHOLE),
        ("attempts", SMALL),  # that failed since it last succeeded
        ("fresh", FLAG),  # something new, not only another version
        ("ready", FLAG),  # no processor whose rows it reads is still to see the change
    ]
)
"""Sessions a processor is to run on, by session_id."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which sessions a processor should run on."""

    processor: str
    version: str
    upstream: tuple[str, ...]
    """The processors that make tables it reads."""
    now_us: int
    everything: bool = False
    """Also those that it is up to date with."""
    failed: bool = False
    """Also those on which it failed and whose next attempt is not due."""
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run over some sessions; ``sessions`` are rows of ``DUE``."""

    processor: str
    version: str
    sessions: pa.Table
    started_at_us: int
    finished_at_us: int


@runtime_checkable
class SessionStore(Protocol):
    """A store that session-scope processors can work on. Safe to use from any thread.

    All raise Retryable where the same call may succeed later, and Permanent where it never will.
    """

    @property
    def change(self) -> int:
        """A number that grows with every change; costs nothing to ask."""

    def prepare(self, processors: Mapping[str, SessionProcessor]) -> None:
        """Make room for the processors' tables, once, before anything else is asked."""

    def next_again_us(self, processor: str) -> int | None:
        """Give when (Unix microseconds) an ``Again`` or a failed session is due; None if never."""

    def due(self, ask: Ask) -> pa.Table:
        """Give the sessions to run on, in the schema ``DUE``."""

    def read(self, ids: pa.StringArray, needs: Sequence[Need], as_of_us: int) -> Sessions:
        """Give all that is needed of some sessions, as of one moment of the store."""

    def replace(
        self,
        run: Run,
        tables: Sequence[Table],
        batches: Sequence[Batch],
        again: Again | None = None,
    ) -> int:
        """Put rows in the place of the processor's earlier ones of these sessions; count them.

        One transaction, with the processor's state. Sessions whose rows stay the same are not
        written, and do not make those due who read them. Where a processor needs ``Of.EARLIER``,
        whoever reads `sessions` is due also for the sessions to whose earlier ones a row belongs
        or belonged that became another in the columns asked for.
        """

    def fail(self, run: Run, error: str, again_at: pa.TimestampArray) -> None:
        """Note that a run failed on its sessions, and when each may be tried again."""

    def remake(
        self,
        processor: str,
        table: Table,
        since_us: int | None,
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> Iterator[int]:
        """Pass the rows of a made table through a function, part by part, and store what differs.

        ``change`` gets rows of the table (by ``since_us`` those whose `time` is not before it)
        and gives as many, in order. Yields the rows of each part when it is stored; whoever
        reads the table is made due for the sessions of rows that differ.
        """


def session_keys(events: pa.RecordBatch) -> pa.StringArray:
    """Give each event the session it is processed in; see ``SESSIONLESS``.

    Takes the columns session_id, agent, signal, time, start_time and received_at.
    """
    metric = pc.equal(pc.fill_null(events.column("signal"), ""), "metrics")
    began = pc.if_else(metric, events.column("start_time"), pa.scalar(None, TIME))
    time = pc.coalesce(began, events.column("time"), events.column("received_at"))
    day = pc.strftime(time, format="%Y-%m-%d")
    agent = pc.fill_null(events.column("agent"), "unknown")
    key = pc.binary_join_element_wise(SESSIONLESS, agent, pc.fill_null(day, "unknown"), ":")
    return pc.coalesce(events.column("session_id"), key)
