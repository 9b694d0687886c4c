"""Say what a user can set about the DuckDB file."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ByteSize, ConfigDict, Field

from ...pipeline.durations import Duration


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
