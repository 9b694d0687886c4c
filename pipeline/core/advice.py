"""Fix what is kept of advice that somebody took: the table, and what a store that keeps it does."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .errors import Permanent
from .schema import TEXT, TIME, Column, table_of

ADVICE_ADOPTED_COLUMNS = (
    Column("advice_id", TEXT, "The line of advice; see `advice`."),
    Column("adopted_at", TIME, "Since when it stands in the agent's instructions."),
    Column("noted_at", TIME, "When that was told."),
)
ADVICE_ADOPTED = table_of("advice_adopted", ADVICE_ADOPTED_COLUMNS, ("advice_id",))

_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond of the years 1 to 9999, which all calendars here have."""


def refuse_no_time(at_us: int | None) -> None:
    """Refuse a time that none who reads it could show.

    Raises:
        Permanent: it is in no year from 1 to 9999, reason `bad_request`.

    """
    if at_us is not None and not _FIRST_US <= at_us <= _LAST_US:
        msg = f"adopt: {at_us} is in no year from 1 to 9999. Give Unix microseconds."
        raise Permanent(msg, reason="bad_request")


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of a line of advice; times are Unix microseconds."""

    advice_id: str
    adopted_at_us: int | None
    """Since when it counts as adopted now; None if it does not."""
    was_us: int | None
    """Since when it counted as adopted before."""


@runtime_checkable
class Adviser(Protocol):
    """A store that keeps which advice was adopted. Both raise Permanent or Retryable."""

    def adopt(self, advice_id: str, at_us: int | None = None) -> Adoption:
        """Note since when advice is adopted: as it was already, else now, unless a time is given.

        Raises:
            Permanent: `unknown_advice`, in words that say what there is; `bad_request` for a
                time in no year from 1 to 9999.

        """

    def forget(self, advice_id: str) -> Adoption:
        """Take back that advice was adopted.

        Raises:
            Permanent: `not_adopted`, or `unknown_advice`.

        """
