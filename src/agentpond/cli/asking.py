"""Ask the service that holds a store, by the note it left; else read the store's file."""

import http.client
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from ..exporters.duckdb.query import query_file
from ..pipeline.core.errors import Permanent

CONNECT_TIMEOUT_S = 5.0
"""How long to wait for a service that is said to run; the query itself may take its time."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where a running service answers queries, as it wrote beside its store."""

    pid: int
    url: str
    token: str
    exporter: str | None = None
    """The exporter that keeps the store, where the service has several."""


def ask_store(
    store: Path, sql: str, read_file: Callable[[Path, str], pa.Table] = query_file
) -> pa.Table:
    """Run a read-only query on a store. Raises Permanent in the store's own words."""
    store = store.expanduser()
    running = holder_of(store)
    answer = None if running is None else _ask_if_there(running, sql)
    if answer is not None:
        return answer
    try:
        return read_file(store, sql)
    except Permanent as error:
        if error.reason != "database_locked":
            raise
        raise nobody_to_ask(error) from error


def nobody_to_ask(error: Permanent) -> Permanent:
    """Say what to do about a file that is held by who cannot be asked; we are the query."""
    held = str(error).partition(" Ask the running service")[0]
    message = (
        f"{held} It cannot be asked either: it left no note of where it answers. If it is an "
        f"agentpond, give it a service.telemetry (not null) and start it again; or stop it."
    )
    return Permanent(message, reason=error.reason)


def holder_of(store: Path) -> Running | None:
    """Find the service that says it has a store."""
    # A service writes its note beside the path it was given, which may be a link.
    return find_running(store) or find_running(store.resolve())


def find_running(store: Path) -> Running | None:
    """Read the note that a running service leaves beside its store."""
    note = store.with_name(f"{store.name}.service.json")
    try:
        told: Any = json.loads(note.read_text(encoding="utf-8"))
        running = Running(int(told["pid"]), told["url"], told["token"], told.get("exporter"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        message = f"{note} may be read only by the user who runs the service. Ask as that user."
        raise Permanent(message, reason="not_allowed") from error
    except (ValueError, KeyError, TypeError):
        return None
    return running if _alive(running.pid) else None


def ask(running: Running, sql: str) -> pa.Table:
    """Have a running service answer. Raises Permanent, or ConnectionError if it is gone."""
    with answer_to(running, "/query", {"sql": sql}) as response:
        body = response.read()
    with pa.ipc.open_stream(body) as stream:
        return stream.read_all()


@contextmanager
def answer_to(
    running: Running, path: str, asked: Mapping[str, Any]
) -> Iterator[http.client.HTTPResponse]:
    """Ask a running service something, and give the answer while it comes.

    Raises:
        Permanent: the service refuses, in its own words.
        ConnectionError: it is gone.

    """
    where = urlsplit(running.url)
    connection = http.client.HTTPConnection(where.netloc, timeout=CONNECT_TIMEOUT_S)
    try:
        connection.connect()
        connection.sock.settimeout(None)
        headers = {
            "Authorization": f"Bearer {running.token}",
            "Content-Type": "application/json",
        }
        body = json.dumps({**asked, "exporter": running.exporter})
        connection.request("POST", f"{where.path.rstrip('/')}{path}", body, headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise Permanent(_error(response.status, response.read()), reason="refused")
        yield response
    finally:
        connection.close()


def answers(running: Running) -> bool:
    """Tell whether anybody listens there: killed, a service leaves its note behind."""
    where = urlsplit(running.url)
    connection = http.client.HTTPConnection(where.netloc, timeout=CONNECT_TIMEOUT_S)
    try:
        connection.connect()
    except (ConnectionError, TimeoutError):
        return False
    finally:
        connection.close()
    return True


def _ask_if_there(running: Running, sql: str) -> pa.Table | None:
    """Give None where nobody answers: killed, a service leaves its note behind."""
    try:
        return ask(running, sql)
    except (ConnectionError, TimeoutError):
        return None


def _error(status: int, body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {status}: {body[:200].decode(errors='replace')}"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It is there, and another user's.
        return True
    return True
