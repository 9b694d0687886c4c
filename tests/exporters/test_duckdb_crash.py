"""A delivery is there whole or not at all, whatever happens to the process or the disk."""

import json
import random
import subprocess
import sys
from pathlib import Path

from .support import make_store

CHILD = """
import logging, sys, time
from pathlib import Path
import pyarrow as pa
from agentpond.exporters.duckdb import Config, DuckDBExporter
from agentpond.pipeline.core.batch import Batch, Delivery
from agentpond.pipeline.core.component import Settings
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.schema import EVENTS

path = Path(sys.argv[1])
settings = Settings("duckdb", logging.getLogger("x"), time.time_ns, path.parent, Counters())
store = DuckDBExporter(Config(path=path), settings)
store.start()

def deliver(start, rows):
    ids = [(start * 10_000 + at).to_bytes(16, "big") for at in range(rows)]
    now = time.time_ns() // 1000
    columns = {"event_id": ids, "received_at": [now] * rows, "position": [start] * rows}
    columns["content"] = [id.hex() * 5 for id in ids]
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type)
        for f in EVENTS.schema
    ]
    records = pa.RecordBatch.from_arrays(arrays, schema=EVENTS.schema)
    return Delivery("agents", "log-1", start, start + 1, (Batch(EVENTS, records),))
"""

FOREVER = """
start = store.position("agents", "log-1") or 0
while True:
    store.export(deliver(start, 1 + start * 37 % 300))
    start += 1
    print(start, flush=True)
"""

DISK_FULL = """
import json, resource
from agentpond.pipeline.core.errors import Retryable

store.export(deliver(0, 10))
largest = max(file.stat().st_size for file in path.parent.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 300_000, resource.RLIM_INFINITY))
start, reason = 1, None
while reason is None:
    try:
        store.export(deliver(start, 3000))
        start += 1
    except Retryable as error:
        reason = error.reason
unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
dropped = [gone.rows for gone in store.export(deliver(start, 3000))]
rows = store.query("SELECT count(*) AS n FROM events").to_pydict()["n"][0]
store.stop()
print(json.dumps({"reason": reason, "dropped": dropped, "lost": 10 + start * 3000 - rows}))
"""


def kill_after(path: Path, deliveries: int) -> int:
    """Export in a child, kill it in the midst, and give the last end it told of."""
    command = [sys.executable, "-c", CHILD + FOREVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(deliveries)]
        child.kill()
    assert told[-1], "the child failed before it was killed"
    return int(told[-1])


def test_after_a_kill_at_any_moment_rows_and_position_agree(path: Path) -> None:
    chance = random.Random(20261120)  # noqa: S311 - not a secret
    for _ in range(8):
        told = kill_after(path, chance.randint(1, 12))

        store = make_store(path)
        store.start()
        end = store.position("agents", "log-1") or 0
        found = store.query(
            "SELECT position, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL"
        ).to_pydict()
        store.stop()

        assert end >= told
        assert found["position"] == list(range(end))
        assert found["n"] == [1 + start * 37 % 300 for start in range(end)]


def test_a_full_disk_is_retryable_and_loses_nothing(path: Path) -> None:
    command = [sys.executable, "-c", CHILD + DISK_FULL, str(path)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"reason": "disk", "dropped": [], "lost": 0}
