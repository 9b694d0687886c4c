"""Keep since when advice counts as adopted: what the user tells, which no processor makes again."""

import duckdb

from ...pipeline.core.advice import (
    ADVICE_ADOPTED,
    ADVICE_ADOPTED_COLUMNS,
    Adoption,
    refuse_no_time,
)
from ...pipeline.core.errors import Permanent
from .schema import add_missing, create_table

SHOWN_IDS = 10

_SINCE = "SELECT epoch_us(adopted_at) FROM advice_adopted WHERE advice_id = $advice_id"
_FORGET = "DELETE FROM advice_adopted WHERE advice_id = $advice_id"
_NOTE = """
INSERT INTO advice_adopted (advice_id, adopted_at, noted_at)
VALUES ($advice_id, make_timestamp($at), make_timestamp($now))
"""
_KNOWN = "SELECT advice_id FROM advice ORDER BY advice_id"


def create_advice_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table if it is not there, and add the columns that it lacks."""
    name, key = ADVICE_ADOPTED.name, ADVICE_ADOPTED.key
    create_table(connection, name, ADVICE_ADOPTED_COLUMNS, key)
    add_missing(connection, {name: ADVICE_ADOPTED_COLUMNS})


def adopt(
    writer: duckdb.DuckDBPyConnection, advice_id: str, at_us: int | None, now_us: int
) -> Adoption:
    """Note since when advice is adopted; without a time, as it was already, else from now on.

    Raises:
        Permanent: there is no such advice, and none was adopted, reason `unknown_advice`; or the
            time is none, reason `bad_request`.

    """
    refuse_no_time(at_us)
    was_us = _since(writer, advice_id)
    if was_us is None:
        _require(writer, advice_id)
    if was_us is not None and at_us is None:
        return Adoption(advice_id, was_us, was_us)
    since_us = now_us if at_us is None else at_us
    writer.execute(_FORGET, {"advice_id": advice_id})
    writer.execute(_NOTE, {"advice_id": advice_id, "at": since_us, "now": now_us})
    return Adoption(advice_id, since_us, was_us)


def forget(writer: duckdb.DuckDBPyConnection, advice_id: str) -> Adoption:
    """Take back that advice was adopted.

    Raises:
        Permanent: it was not, reason `not_adopted`; or there is none, reason `unknown_advice`.

    """
    was_us = _since(writer, advice_id)
    if was_us is None:
        _require(writer, advice_id)
        msg = f"advice {advice_id} is not adopted: there is nothing to take back."
        raise Permanent(msg, reason="not_adopted")
    writer.execute(_FORGET, {"advice_id": advice_id})
    return Adoption(advice_id, None, was_us)


def _since(writer: duckdb.DuckDBPyConnection, advice_id: str) -> int | None:
    found = writer.execute(_SINCE, {"advice_id": advice_id}).fetchone()
    return None if found is None else int(found[0])


def _require(writer: duckdb.DuckDBPyConnection, advice_id: str) -> None:
    known = [str(each) for (each,) in writer.execute(_KNOWN).fetchall()]
    if advice_id not in known:
        raise Permanent(_unknown(advice_id, known), reason="unknown_advice")


def _unknown(advice_id: str, known: list[str]) -> str:
    if not known:
        return (
            f"there is no advice {advice_id}, and no other yet: there is some once an error that "
            f"has advice comes in two sessions of one agent and project."
        )
    more = len(known) - SHOWN_IDS
    others = f" and {more} more; list all: agentpond insights advice" if more > 0 else ""
    return f"there is no advice {advice_id}. There is: {', '.join(known[:SHOWN_IDS])}{others}."
