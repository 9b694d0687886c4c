"""Send requests as fast as a server takes them, from a process of its own.

Started by ``start``; it builds all bodies, says it is ready, and sends when it is told to.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen
from typing import Any, Protocol

import grpc
import numpy as np

from .payloads import Load, as_json

_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_TRY_LATER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_PAUSE_S = 0.05
_TIMEOUT_S = 60.0
_RECEIVE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Order:
    """What to send where; ``prebuilt`` bodies cost memory, the others the sender's time.

    Loads of different seeds have no record in common.
    """

    protocol: str
    port: int
    records: int
    requests: int
    seed: int = 0
    senders: int = 16
    prebuilt: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went: all was acknowledged, in this time."""

    records: int
    nbytes: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float
    delays: int


class Ready:
    """A sender that waits for its cue."""

    def __init__(self, order: Order) -> None:
        """Start the process and wait until its bodies are built."""
        line = [sys.executable, "-m", "benches.load", json.dumps(asdict(order))]
        self._process = Popen(line, stdin=PIPE, stdout=PIPE, text=True)
        self._expect("ready\n")

    def begin(self) -> None:
        """Let it send."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    @property
    def running(self) -> bool:
        """Whether it still sends."""
        return self._process.poll() is None

    def result(self) -> Sent:
        """Wait until all is acknowledged."""
        told, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the sender failed; what it said stands above.")
        return Sent(**json.loads(told))

    def _expect(self, line: str) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != line:
            raise RuntimeError("the sender did not get ready; what it said stands above.")


class Connection(Protocol):
    """One way into a server, used by one thread."""

    def send(self, body: bytes) -> bool:
        """Send a request; False if the server said to try later."""

    def close(self) -> None:
        """Hang up."""


class GrpcConnection:
    """OTLP/gRPC over a connection of its own."""

    def __init__(self, port: int) -> None:
        """Connect."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self._export: Callable[..., Any] = self._channel.unary_unary(_EXPORT, None, None)

    def send(self, body: bytes) -> bool:
        """Send a request; False if the server said to try later."""
        try:
            self._export(body, timeout=_TIMEOUT_S, wait_for_ready=True)
        except grpc.RpcError as error:
            code = error.code() if isinstance(error, grpc.Call) else None
            if code not in _TRY_LATER:
                raise
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


class HttpConnection:
    """OTLP/HTTP over a bare socket: a client library would cost more than what it measures."""

    def __init__(self, port: int, content_type: str) -> None:
        """Connect."""
        self._head = (
            f"POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
        )
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, body: bytes) -> bool:
        """Send a request; False if the server said to try later."""
        head = f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode()
        self._socket.sendall(head + body)
        status = self._answer()
        if status not in (200, 429, 503):
            msg = f"the server answered {status} to a request of {len(body)} bytes."
            raise RuntimeError(msg)
        return status == 200

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _answer(self) -> int:
        told = b""
        while b"\r\n\r\n" not in told:
            told += self._receive()
        head, _, body = told.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [line for line in lines if line.startswith(b"content-length:")]
        missing_bytes = int(lengths[0].split(b":")[1]) - len(body)
        while missing_bytes > 0:
            missing_bytes -= len(self._receive())
        return int(lines[0].split()[1])

    def _receive(self) -> bytes:
        told = self._socket.recv(_RECEIVE_BYTES)
        if not told:
            raise ConnectionError("the server hung up in the middle of an answer.")
        return told


CONNECT: dict[str, Callable[[int], Connection]] = {
    "grpc": GrpcConnection,
    "http": lambda port: HttpConnection(port, "application/x-protobuf"),
    "http-json": lambda port: HttpConnection(port, "application/json"),
}


class _Run:
    """Threads that take bodies from one row until there are none."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._bodies = iter(bodies)
        self._lock = threading.Lock()
        self.latencies_ns: list[int] = []
        self.nbytes = 0
        self.delays = 0
        self.errors: list[BaseException] = []

    def work(self, connection: Connection) -> None:
        try:
            while (body := self._next()) is not None:
                self._send(connection, body)
        except (grpc.RpcError, OSError, RuntimeError) as error:
            self.errors.append(error)

    def _next(self) -> bytes | None:
        with self._lock:
            return None if self.errors else next(self._bodies, None)

    def _send(self, connection: Connection, body: bytes) -> None:
        begun_ns = time.perf_counter_ns()
        while not connection.send(body):
            self.delays += 1
            time.sleep(_PAUSE_S)
            begun_ns = time.perf_counter_ns()
        self.latencies_ns.append(time.perf_counter_ns() - begun_ns)
        with self._lock:
            self.nbytes += len(body)


def _bodies(order: Order) -> Iterator[bytes] | Sequence[bytes]:
    made = map(Load(order.records, order.seed).body, range(order.requests))
    if order.protocol == "http-json":
        made = map(as_json, made)
    return list(made) if order.prebuilt else made


def _serve(order: Order) -> Sent:
    run = _Run(_bodies(order))
    connections = [CONNECT[order.protocol](order.port) for _ in range(order.senders)]
    threads = [threading.Thread(target=run.work, args=(each,)) for each in connections]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begun_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - begun_s
    for connection in connections:
        connection.close()
    if run.errors:
        raise run.errors[0]
    p50_ms, p99_ms = np.percentile(np.array(run.latencies_ns) / 1e6, [50, 99]).tolist()
    records = order.records * order.requests
    return Sent(records, run.nbytes, elapsed_s, p50_ms, p99_ms, run.delays)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        print(json.dumps(asdict(_serve(Order(**json.loads(sys.argv[1]))))))
