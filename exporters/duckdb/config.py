"""Say what a user can set about the DuckDB file."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _parse_duration(value: Any) -> Any:
    """Read ``24h`` and ``1h30m``; leave everything else to pydantic (ISO 8601, seconds)."""
    if not isinstance(value, str) or not re.fullmatch(f"(?:{_DURATION.pattern})+", value.strip()):
        return value
    parts = _DURATION.findall(value)
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]


class Config(BaseModel):
    """Keep all rows in one DuckDB file.

    The file belongs to the service while it runs: other programs ask the service, or read
    the file after it has stopped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(default=Path("agentpond.duckdb"), description="The file; made if missing.")
    dedup_window: Annotated[Duration, Field(gt=timedelta(0))] = Field(
        default=timedelta(hours=24),
        description="How long after a record a second copy of it is known as one (`24h`, `90m`).",
    )
    # DuckDB's own account; its data on row groups (about 7 MB a million rows) comes on top.
    memory_limit: Annotated[ByteSize, Field(ge=64_000_000)] = Field(
        default=ByteSize(96_000_000),
        description="Memory DuckDB may use for its pages and for queries; beyond it, it spills.",
    )
    # Two threads made inserting slower (12.2 against 9.0 us CPU a row, DuckDB 2.0.0): a
    # delivery is too small to share, and the second thread takes time from the decoder.
    threads: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Threads DuckDB may use, for inserting and for each query."
    )
