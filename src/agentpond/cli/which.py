"""Turn the choice of sessions on the command line into SQL, and ids into what can be copied."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from ..exporters.duckdb.sql import literal
from ..pipeline.core.errors import Permanent
from ..pipeline.core.sessions import SESSIONLESS
from .reading import Reader
from .shown import moment, plain

SHORT = 8
"""The least of an id that is shown; of ids with a time in front it may take more."""

SHOWN_CANDIDATES = 5

# Made or not: what a store has heard of is in the one, what was made of it in the other.
KNOWN = """
SELECT session_id, sessions.last_seen_at,
    coalesce(sessions.last_seen_at, changes.last_received_at) AS heard_at
FROM sessions FULL JOIN session_changes AS changes USING (session_id)
"""


@dataclass(frozen=True, slots=True)
class Which:
    """Which sessions are meant: one, so many of the latest, those since a time, or all."""

    session: str | None = None
    latest: int | None = None
    since_us: int | None = None

    def ids(self) -> str | None:
        """Write a query that gives their ids, of a session that is whole; None for all."""
        if self.session is not None:
            return f"SELECT {literal(self.session)} AS session_id"
        if self.latest is not None:
            return latest_of("TRUE", self.latest)
        if self.since_us is not None:
            since = f"make_timestamp({self.since_us})"
            return f"SELECT session_id FROM ({KNOWN}) WHERE heard_at >= {since}"  # noqa: S608 - numbers
        return None

    def words(self) -> str:
        """Say which are meant."""
        if self.session is not None:
            return f"in session {plain(self.session)}"
        if self.latest is not None:
            return (
                f"in the latest {self.latest} sessions"
                if self.latest > 1
                else "in the latest session"
            )
        if self.since_us is not None:
            return f"in sessions heard of since {moment(self.since_us)}"
        return "in any session"


def latest_of(condition: str, number: int) -> str:
    """Write a query for the sessions heard of last, among those of a condition.

    Only what was made of them tells when that was: when they were received is another clock's
    time, and of a session without a row there is nothing to show.
    """
    return f"""
        SELECT session_id FROM ({KNOWN})
        WHERE NOT starts_with(session_id, '{SESSIONLESS}:') AND ({condition})
        ORDER BY last_seen_at DESC NULLS LAST, session_id LIMIT {number}
    """  # noqa: S608 - of constants, numbers and what the caller wrote


def resolved(reader: Reader, which: Which) -> Which:
    """Put a session's whole id in the place of its beginning. Raises Permanent."""
    if which.session is None:
        return which
    return Which(session_of(reader, which.session))


def session_of(reader: Reader, beginning: str) -> str:
    """Find the session whose id begins so.

    Raises:
        Permanent: there is none, or more than one; reason `unknown_session`.

    """
    text = literal(beginning)
    found = reader.rows(
        f"SELECT session_id FROM ({KNOWN}) WHERE starts_with(session_id, {text}) "  # noqa: S608 - quoted
        f"ORDER BY session_id <> {text}, session_id LIMIT {SHOWN_CANDIDATES + 1}"
    )
    ids = [row["session_id"] for row in found]
    if len(ids) == 1 or beginning in ids:
        return str(ids[0])
    if not ids:
        latest = "FROM sessions SELECT last_seen_at, session_id ORDER BY ALL DESC LIMIT 9"
        msg = f'the store knows no session {beginning}. See some: agentpond query "{latest}"'
        raise Permanent(msg, reason="unknown_session")
    more = ", ..." if len(ids) > SHOWN_CANDIDATES else ""
    named = ", ".join(ids[:SHOWN_CANDIDATES])
    msg = f"several sessions begin with '{beginning}': {named}{more}. Give more of the id."
    raise Permanent(msg, reason="unknown_session")


def short_ids(reader: Reader, ids: Iterable[str]) -> dict[str, str]:
    """Shorten ids as far as no other session of the store begins so, for people to read."""
    asked = sorted({*ids})
    if not asked:
        return {}
    neighbours = reader.rows(
        "SELECT session_id, lag(session_id) OVER (ORDER BY session_id) AS before, "  # noqa: S608 - quoted
        f"lead(session_id) OVER (ORDER BY session_id) AS after FROM ({KNOWN}) "
        f"QUALIFY session_id IN ({', '.join(map(literal, asked))})"
    )
    short = {each: plain(each) for each in asked}
    for row in neighbours:
        each = row["session_id"]
        others = [row[side] or "" for side in ("before", "after")]
        shared = max(_shared(each, other) for other in others)
        if not each.startswith(f"{SESSIONLESS}:"):
            short[each] = plain(each[: max(SHORT, shared + 1)])
    return short


def _shared(one: str, other: str) -> int:
    """Count how many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
