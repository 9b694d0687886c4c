"""Keep events in memory and let session-scope processors work on them, for tests.

It keeps the contract of `SessionStore` in the plainest way: one dict for each question.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.batch import Batch, Delivery, Dropped, Table
from ..core.errors import Permanent
from ..core.made import SESSIONS
from ..core.schema import EVENTS
from ..core.sessions import (
    DUE,
    Again,
    Ask,
    Need,
    Of,
    Run,
    SessionProcessor,
    Sessions,
    session_keys,
)
from .sessions import is_earlier, sessions_of

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Touched:
    """What deliveries changed of a session."""

    change: int
    position: int
    changed_at_us: int
    events: int


@dataclass(frozen=True, slots=True)
class State:
    """How far a processor is with a session."""

    version: str
    seen: int
    made: int
    """The change with which its rows last became others."""
    rows: int = 0
    attempts: int = 0
    error: str = ""
    again_us: int | None = None


class MemorySessionStore:
    """An exporter whose events session-scope processors can work on."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._changed = threading.Condition()
        self._change = 0
        self._events: list[pa.RecordBatch] = []
        self._touched: dict[str, Touched] = {}
        self._states: dict[tuple[str, str], State] = {}
        self._made: dict[str, pa.Table] = {}
        self._processors: dict[str, SessionProcessor] = {}

    def start(self) -> None:
        """Open."""

    def stop(self) -> None:
        """Close; what was kept can still be looked at."""

    def export(self, delivery: Delivery) -> Sequence[Dropped]:
        """Keep the events of a delivery."""
        for batch in delivery.batches:
            if batch.table.name == EVENTS.name:
                self.add(batch)
        return ()

    def add(self, batch: Batch) -> None:
        """Keep events."""
        with self._changed:
            self._change += 1
            self._events.append(batch.records)
            for key, position, received_us in _touches(batch.records):
                was = self._touched.get(key, Touched(0, 0, 0, 0))
                self._touched[key] = Touched(
                    self._change,
                    max(was.position, position),
                    max(was.changed_at_us, received_us),
                    was.events + 1,
                )
            self._changed.notify_all()

    @property
    def change(self) -> int:
        """A number that grows with every change."""
        return self._change

    def prepare(self, processors: Mapping[str, SessionProcessor]) -> None:
        """Make room for the processors' tables."""
        with self._changed:
            self._processors = dict(processors)
            for processor in processors.values():
                for table in processor.tables:
                    self._made.setdefault(table.name, table.schema.empty_table())

    def next_again_us(self, processor: str) -> int | None:
        """Give when an ``Again`` or a failed session is due."""
        with self._changed:
            times = [s.again_us for (name, _), s in self._states.items() if name == processor]
            return min((at for at in times if at is not None), default=None)

    def due(self, ask: Ask) -> pa.Table:
        """Give the sessions to run on."""
        with self._changed:
            keys = sorted(self._touched)
            rows = [self._row(ask, key) for key in keys if ask.session_id in (None, key)]
            return pa.Table.from_pylist([row for row in rows if row], schema=DUE)

    def read(self, ids: pa.StringArray, needs: Sequence[Need], as_of_us: int) -> Sessions:
        """Give all that is needed of some sessions."""
        with self._changed:
            empty = pa.RecordBatch.from_pylist([], schema=EVENTS.schema)
            whole = pa.concat_batches([empty, *self._events])
            at_hand = ids.to_pylist()
            return sessions_of(
                needs,
                Batch(EVENTS, whole),
                self._made,
                ids=at_hand,
                as_of_us=as_of_us,
                unmade=self._unmade(needs, at_hand),
            )

    def replace(
        self,
        run: Run,
        tables: Sequence[Table],
        batches: Sequence[Batch],
        again: Again | None = None,
    ) -> int:
        """Put rows in the place of the processor's earlier ones of these sessions."""
        with self._changed:
            self._change += 1
            changed: set[str] = set()
            was = self._made.get(SESSIONS.name)
            for table in tables:
                of_table = [each.records for each in batches if each.table.name == table.name]
                rows = pa.Table.from_batches(of_table, table.schema)
                changed |= self._put(table, rows, run.sessions)
            self._note(run, changed, again)
            if was is not None and SESSIONS.name in {table.name for table in tables}:
                self._tell_later(run.processor, was)
            self._changed.notify_all()
            return sum(len(batch) for batch in batches)

    def fail(self, run: Run, error: str, again_at: pa.TimestampArray) -> None:
        """Note that a run failed on its sessions."""
        times = again_at.cast(pa.int64()).to_pylist()
        with self._changed:
            for row, at_us in zip(run.sessions.to_pylist(), times, strict=True):
                place = (run.processor, row["session_id"])
                was = self._states.get(place, State(run.version, -1, 0))
                tries = was.attempts + 1
                self._states[place] = replace(was, attempts=tries, error=error, again_us=at_us)
            self._changed.notify_all()

    def remake(
        self,
        processor: str,
        table: Table,
        since_us: int | None,
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> Iterator[int]:
        """Pass the rows of a made table through a function, one session after the other."""
        rows = self.rows(table)
        if since_us is not None:
            rows = rows.filter(pc.greater_equal(rows["time"].cast(pa.int64()), since_us))
        for key in rows["session_id"].unique().to_pylist():
            (part,) = rows.filter(pc.equal(rows["session_id"], key)).combine_chunks().to_batches()
            made = change(part)
            with self._changed:
                self._change += 1
                old = self._made[table.name]
                rest = old.filter(pc.invert(pc.is_in(old["session_id"], part["session_id"])))
                self._made[table.name] = pa.concat_tables([rest, pa.Table.from_batches([made])])
                place = (processor, key)
                if place in self._states and not made.equals(part):
                    self._states[place] = replace(self._states[place], made=self._change)
            yield part.num_rows

    def rows(self, table: Table) -> pa.Table:
        """Give the rows of a made table, by its key."""
        with self._changed:
            made = self._made.get(table.name, table.schema.empty_table())
            return made.sort_by([(name, "ascending") for name in table.key])

    def state(self, processor: str, session_id: str) -> State | None:
        """Give how far a processor is with a session."""
        with self._changed:
            return self._states.get((processor, session_id))

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
        """Wait until a condition holds, asked at every change; False if it did not in time."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def _row(self, ask: Ask, key: str) -> dict[str, object] | None:
        touched, state = self._touched[key], self._states.get((ask.processor, key))
        change = max(touched.change, *(self._made_change(name, key) for name in ask.upstream), 0)
        fresh = state is None or change > state.seen or _again(state, ask.now_us)
        other = state is not None and state.version != ask.version
        if state is not None and state.error and not _again(state, ask.now_us):
            fresh, other = ask.failed, False
        if not (fresh or other or ask.everything):
            return None
        ready = not any(self._behind(name, key, change) for name in ask.upstream)
        ready = ready and not self._lacks_history(ask.processor)
        return {
            "session_id": key,
            "change": change,
            "position": touched.position,
            "changed_at": touched.changed_at_us,
            "events": touched.events,
            "attempts": 0 if state is None else state.attempts,
            "fresh": fresh,
            "ready": ready,
        }

    def _made_change(self, processor: str, key: str) -> int:
        state = self._states.get((processor, key))
        return 0 if state is None else state.made

    def _behind(self, processor: str, key: str, change: int) -> bool:
        """Tell whether a processor is still to see what the session is due for."""
        if processor not in self._processors:
            return False
        state = self._states.get((processor, key))
        if state is not None and state.error:
            return False
        return state is None or state.seen < min(change, self._touched[key].change)

    def _lacks_history(self, processor: str) -> bool:
        """Tell whether it reads earlier sessions, and rows of some are still to be made."""
        own = self._processors.get(processor)
        if own is None or not any(need.of is Of.EARLIER for need in own.needs):
            return False
        makers = [
            name
            for name, each in self._processors.items()
            if any(table.name == SESSIONS.name for table in each.tables)
        ]
        return any(
            self._behind(name, key, touched.change)
            for name in makers
            for key, touched in self._touched.items()
        )

    def _unmade(self, needs: Sequence[Need], keys: Sequence[str]) -> dict[str, list[str]]:
        """Name the sessions on which the makers of tables never succeeded."""
        tables = {need.table.name for need in needs} - {EVENTS.name}
        makers = {
            table.name: name for name, each in self._processors.items() for table in each.tables
        }
        return {
            table: [key for key in keys if not self._succeeded(makers.get(table, ""), key)]
            for table in tables
        }

    def _succeeded(self, processor: str, key: str) -> bool:
        state = self._states.get((processor, key))
        return state is not None and state.seen >= 0

    def _put(self, table: Table, rows: pa.Table, sessions: pa.Table) -> set[str]:
        """Replace the rows of sessions; name the sessions whose rows are others now."""
        ids = sessions["session_id"].combine_chunks()
        if pc.any(pc.invert(pc.is_in(rows["session_id"], value_set=ids))).as_py():
            msg = f"rows of {table.name} are of sessions that are not at hand."
            raise Permanent(msg, reason="bad_result")
        old = self._made[table.name]
        rest = old.filter(pc.invert(pc.is_in(old["session_id"], value_set=ids)))
        self._made[table.name] = pa.concat_tables([rest, rows])
        keys: list[str] = ids.to_pylist()
        return {key for key in keys if not _of(old, key, table).equals(_of(rows, key, table))}

    def _tell_later(self, maker: str, was: pa.Table) -> None:
        """Make those due who read `sessions` of what is later than rows that became others."""
        needs = [need for each in self._processors.values() for need in each.needs]
        watched = {name for need in needs if need.of is Of.EARLIER for name in need.columns}
        if not any(need.of is Of.EARLIER for need in needs):
            return
        old, new = was.to_pylist(), self._made[SESSIONS.name].to_pylist()
        moved = [*_lacking(old, new, watched), *_lacking(new, old, watched)]
        for row in new:
            place = (maker, row["session_id"])
            concerned = any(is_earlier(each, row) for each in moved)
            if concerned and self._succeeded(*place):
                self._states[place] = replace(self._states[place], made=self._change)

    def _note(self, run: Run, changed: set[str], again: Again | None) -> None:
        times = {}
        if again is not None:
            at_us = again.at.cast(pa.int64()).to_pylist()
            times = dict(zip(again.session_ids.to_pylist(), at_us, strict=True))
        for row in run.sessions.to_pylist():
            key = row["session_id"]
            was = self._states.get((run.processor, key), State(run.version, -1, 0))
            made = self._change if key in changed or was.seen < 0 else was.made
            state = State(run.version, row["change"], made, again_us=times.get(key))
            self._states[(run.processor, key)] = state


def _touches(records: pa.RecordBatch) -> Iterator[tuple[str, int, int]]:
    received_us = pc.fill_null(records.column("received_at").cast(pa.int64()), 0)
    keys = session_keys(records).to_pylist()
    positions = pc.fill_null(records.column("position"), 0).to_pylist()
    return zip(keys, positions, received_us.to_pylist(), strict=True)


def _lacking(rows: list[_Row], others: list[_Row], watched: set[str]) -> list[_Row]:
    """Give the rows of `sessions` that have no like among others, in what is watched."""
    told = watched | {"agent", "repository", "user_id", "user_email", "started_at", "last_seen_at"}
    nothing = dict.fromkeys(told)
    known = {row["session_id"]: row for row in others}
    pairs = [(row, known.get(row["session_id"], nothing)) for row in rows]
    return [row for row, other in pairs if any(row[name] != other[name] for name in told)]


def _again(state: State, now_us: int) -> bool:
    return state.again_us is not None and state.again_us <= now_us


def _of(rows: pa.Table, key: str, table: Table) -> pa.Table:
    mine = rows.filter(pc.equal(rows["session_id"], key))
    return mine.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
