"""Measure the whole walk over loopback: from a client's socket to rows in DuckDB, durably."""

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from .load import Order, Ready, Sent
from .measure import verdict
from .peers import rotel, rotel_program
from .scratch import scratch
from .server import Server, agentpond
from .stages import Split, split

# Requests by records in each, so many that a run takes one to four seconds.
_SIZES = {1: 2000, 10: 2000, 100: 1000, 1000: 200}
_RUNS = {"grpc": _SIZES, "http": _SIZES, "http-json": {1000: 50}}
_PEER_REQUESTS = 250
_PEER_TURNS = 4
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Walked:
    """One run: what the sender saw, and what the server used until all was stored."""

    sent: Sent
    elapsed_s: float
    cpu_s: float

    @property
    def records_a_cpu_second(self) -> float:
        """Records for each CPU second of the server."""
        return self.sent.records / self.cpu_s


def walk(server: Server, order: Order) -> Walked:
    """Send a load and wait until the server has stored it."""
    ready = Ready(order)
    cpu_s, begun_s = server.cpu_s, time.perf_counter()
    ready.begin()
    sent = ready.result()
    server.drain()
    return Walked(sent, time.perf_counter() - begun_s, server.cpu_s - cpu_s)


def bench_walk() -> None:
    """Send over gRPC and HTTP in requests of 1, 10, 100 and 1,000 records."""
    print("\nwhole walk over loopback, default pipeline, until stored in DuckDB")
    print(
        f"  {'':26}{'records/s':>11}{'MB/s':>8}{'CPU us/record':>15}{'ack p50 ms':>12}"
        f"{'p99 ms':>9}{'delays':>8}"
    )
    with scratch() as directory:
        with agentpond(directory) as server:
            records = sum(_walk_all(server, protocol) for protocol in _RUNS)
            most_mb = server.most_rss_bytes / 1e6
        _check_rows(directory / "bench.duckdb", records)
    print(f"  {records:,} records sent, as many rows; at most {most_mb:,.0f} MB resident")


def _walk_all(server: Server, protocol: str) -> int:
    """Walk all sizes of a protocol, each warmed up; give how many records that was."""
    records = 0
    for size, requests in _RUNS[protocol].items():
        # No two runs may have a seed in common: a copy would be stored once.
        seed = 2 * (list(_RUNS).index(protocol) * 10_000 + size)
        order = Order(protocol, server.port(protocol), size, requests, seed)
        warm = walk(server, replace(order, requests=requests // 10, seed=seed + 1))
        walked = walk(server, order)
        _tell(protocol, size, walked)
        records += warm.sent.records + walked.sent.records
    return records


def _tell(protocol: str, size: int, walked: Walked) -> None:
    sent = walked.sent
    print(
        f"  {protocol + f', {size:,} a request':26}{sent.records / walked.elapsed_s:>11,.0f}"
        f"{sent.nbytes / walked.elapsed_s / 1e6:>8,.1f}{walked.cpu_s / sent.records * 1e6:>15.1f}"
        f"{sent.p50_ms:>12.1f}{sent.p99_ms:>9.1f}{sent.delays:>8}"
    )


def _check_rows(path: Path, expected: int) -> None:
    with duckdb.connect(path, read_only=True) as connection:
        (rows, ids), *_ = connection.execute(
            "SELECT count(*), count(DISTINCT event_id) FROM events"
        ).fetchall()
    if (rows, ids) != (expected, expected):
        msg = f"{expected} records were sent, {rows} rows with {ids} ids are stored."
        raise RuntimeError(msg)


def bench_stages() -> None:
    """Split the walk's CPU time by stage, gRPC and HTTP, 1,000 and 10 records a request."""
    for protocol, size, requests in (
        ("grpc", 1000, 300),
        ("http", 1000, 300),
        ("grpc", 10, 1500),
    ):
        with scratch() as directory:
            _tell_split(protocol, size, split(directory, protocol, size, requests))


def _tell_split(protocol: str, size: int, told: Split) -> None:
    print(f"\nstages of the walk, {protocol}, {size:,} records a request: CPU us/record")
    for stage, us in sorted(told.stages_us.items(), key=lambda pair: -pair[1]):
        print(f"  {stage:38}{us:>9.2f}{us / told.total_us:>8.0%}{told.calls[stage]:>8} calls")
    rest_us = told.total_us - sum(told.stages_us.values())
    rest = "rest: sockets, event loop, hand-over"
    print(f"  {rest:38}{rest_us:>9.2f}{rest_us / told.total_us:>8.0%}")
    print(f"  {'all':38}{told.total_us:>9.2f}")


def bench_peers() -> None:
    """Send the same load to rotel with its blackhole exporter, turn by turn with ours."""
    program = rotel_program()
    if program is None:
        print("\nrotel: not had, so nothing to compare with")
        return
    with ExitStack() as open_, scratch() as told:
        ours = open_.enter_context(agentpond(told))
        servers = {"rotel, blackhole": open_.enter_context(rotel(program, told))}
        servers["agentpond, DuckDB"] = ours
        _compare(servers)


def _compare(servers: dict[str, Server]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for turn in range(_PEER_TURNS + 1):
        for name, server in servers.items():
            order = Order("grpc", server.grpc_port, 1000, _PEER_REQUESTS, seed=turn)
            walked = walk(server, order)
            # rotel flushes 200 ms after the last record and does not tell when; idle costs nothing.
            time.sleep(_SETTLE_S)
            if turn:
                rates[name].append(walked.records_a_cpu_second)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    base = medians["rotel, blackhole"]
    print("\nwhole walk, gRPC, 1,000 records a request, turn by turn: records a server CPU second")
    for name, rate in medians.items():
        told = verdict(rate / base, 1.0) if name.startswith("agentpond") else ""
        mb = servers[name].most_rss_bytes / 1e6
        print(
            f"  {name:38}{rate:>12,.0f}{rate / base:>8.2f}{1e6 / rate:>8.2f} us{mb:>7.0f} MB{told}"
        )
