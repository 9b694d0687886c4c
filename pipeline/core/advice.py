"""Fix what is kept of advice that somebody took: the table, and what a store that keeps it does."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .schema import TEXT, TIME, Column, table_of

ADVICE_ADOPTED_COLUMNS = (
    Column("advice_id", TEXT, "The line of advice; see `advice`."),
    Column("adopted_at", TIME, "Since when it stands in the agent's instructions."),
    Column("noted_at", TIME, "When that was told."),
)
ADVICE_ADOPTED = table_of("advice_adopted", ADVICE_ADOPTED_COLUMNS, ("advice_id",))


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
            Permanent: `unknown_advice`, in words that say what there is.

        """

    def forget(self, advice_id: str) -> Adoption:
        """Take back that advice was adopted.

        Raises:
            Permanent: `not_adopted`, or `unknown_advice`.

        """
