"""What the command line keeps on disk is its user's alone: it holds prompts."""

import os
import urllib.request
from pathlib import Path

from .served import Served


def test_nobody_else_may_read_what_serve_writes(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Served(tmp_path) as served:
            head = {"Content-Type": "application/json"}
            url = f"http://{served.http}/v1/logs"
            urllib.request.urlopen(urllib.request.Request(url, b"{}", head)).close()
            written = [*tmp_path.glob("agentpond.duckdb*"), *(tmp_path / "state").rglob("*")]
            open_to_others = [path.name for path in written if path.stat().st_mode & 0o077]
    finally:
        os.umask(before)

    assert "agentpond.duckdb.wal" in [path.name for path in written]
    assert open_to_others == []
