"""Open the file of a store: bring it up to date, and load the ids of the window."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ...pipeline.core.errors import Permanent
from .arrival import words_of
from .config import Config
from .database import cursor_of, open_database
from .faults import export_fault
from .migrations import migrate
from .seen import SeenIds, hash_ids

# A clock that once ran ahead must not make us load nothing: hence least().
_RECENT = """
SELECT event_id::BLOB AS event_id, epoch_us(received_at) AS received_us FROM events
WHERE received_at >= make_timestamp(
    least((SELECT max(received_at) FROM events), make_timestamp($now)).epoch_us() - $window
)
"""
_LOAD_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Open:
    """An open file: ``root`` only makes cursors, ``writer`` is used under the store's lock."""

    root: duckdb.DuckDBPyConnection
    writer: duckdb.DuckDBPyConnection
    seen: SeenIds

    def close(self) -> None:
        """Close the file."""
        self.writer.close()
        self.root.close()


def open_file(config: Config, path: Path, now_ns: int) -> Open:
    """Open a file for writing.

    Raises:
        Permanent: another process holds the file, or a newer agentpond wrote it.
        Retryable: disk or memory trouble.

    """
    root = open_database(config)
    try:
        writer = cursor_of(root)
        migrate(writer, now_ns)
        return Open(root, writer, _load_seen(writer, now_ns, window_us(config)))
    except Permanent:
        root.close()
        raise
    except duckdb.Error as error:
        root.close()
        raise export_fault(error, path) from error


def window_us(config: Config) -> int:
    """Give the time within which copies are known, in microseconds."""
    return round(config.dedup_window.total_seconds() * 1e6)


def _load_seen(writer: duckdb.DuckDBPyConnection, now_ns: int, window_us: int) -> SeenIds:
    seen = SeenIds()
    bounds = {"now": now_ns // 1000, "window": window_us}
    for rows in writer.sql(_RECENT, params=bounds).to_arrow_reader(_LOAD_ROWS):
        ids = rows["event_id"].cast(pa.binary(16))
        seen.add(hash_ids(words_of(ids)), rows["received_us"].to_numpy())
    return seen
