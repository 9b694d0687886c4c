"""Open a DuckDB file with bounds on memory, and with the doors to the outside shut."""

import os
from pathlib import Path

import duckdb

from ...pipeline.core.errors import Permanent
from .config import Config
from .faults import open_fault
from .sql import literal

CATALOG = "agentpond"

# DuckDB's default of 122,880 rows makes every checkpoint compress the last, unfinished row group
# again: 30 us a row and deliveries of 3.1 s, measured with 1.2 million rows in deliveries of
# 20,000 (DuckDB 2.0.0, one thread). Whole row groups also go straight to the file and not
# through the write-ahead log. 40,960 rows take 10.6 us, 20,480 take 8.0 and 10,240 take 6.7; but
# DuckDB holds about 150 KB for each row group it has touched (71 columns), so that 10,240
# would come to 140 MB for 10 million rows.
_ROW_GROUP_ROWS = 20_480


def open_database(config: Config, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the file; everything is reached through cursors of what this returns.

    Raises:
        Permanent: another process holds the file, or it is not one DuckDB can read.

    """
    path = config.path.expanduser().absolute()
    if read_only and not path.exists():
        msg = f"{path} does not exist. Start the service once with this `path`, or give another."
        raise Permanent(msg, reason="no_database")
    connection = duckdb.connect(":memory:")
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        _limit(connection, config, path)
        _attach(connection, path, read_only=read_only)
        _shut_doors(connection)
    except duckdb.Error as error:
        connection.close()
        raise open_fault(error, path) from error
    except OSError as error:
        connection.close()
        msg = f"cannot make the folder of {path}: {error} Choose another `path`."
        raise Permanent(msg, reason="cannot_open_database") from error
    return connection


def cursor_of(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Give a connection of its own to the same file, for one thread at a time."""
    cursor = connection.cursor()
    cursor.execute(f"USE {CATALOG}")
    return cursor


def _limit(connection: duckdb.DuckDBPyConnection, config: Config, path: Path) -> None:
    connection.execute(f"SET memory_limit = '{int(config.memory_limit)}B'")
    connection.execute(f"SET threads = {config.threads}")
    connection.execute(f"SET temp_directory = {literal(f'{path}.tmp')}")


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    options = "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {_ROW_GROUP_ROWS}"
    made_here = not path.exists()
    # connect(path) has no option for the size of row groups; ATTACH has.
    connection.execute(f"ATTACH {literal(os.fspath(path))} AS {CATALOG} ({options})")
    if made_here:
        # It will hold prompts. DuckDB 2.0 refuses an empty file, so none can be made before;
        # nothing is in it yet. A file that was there keeps the mode its owner gave it.
        path.chmod(0o600)


def _shut_doors(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep SQL from files, the network, extensions and the variables of this program.

    These hold for every cursor. Arrow tables that are registered by name stay readable.
    """
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
