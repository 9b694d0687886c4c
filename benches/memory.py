"""Watch the server's memory, idle and at full load, over as many records as asked for."""

import time

from .load import Order, Ready
from .scratch import scratch
from .server import Server, agentpond

_MEGABYTE = 1e6
_IDLE_MB = 200
_MOST_MB = 700
_RECORDS_A_REQUEST = 1000
_SAMPLE_S = 1.0
_LINES = 40


def bench_memory(records: int) -> None:
    """Send without a pause over gRPC and sample what is resident."""
    with (
        scratch() as directory,
        agentpond(directory) as server,
    ):
        idle_mb = server.rss_bytes / _MEGABYTE
        samples = _sample(server, records // _RECORDS_A_REQUEST)
        most_mb = server.most_rss_bytes / _MEGABYTE
    print(f"\nmemory over {records:,} records, gRPC, {_RECORDS_A_REQUEST:,} a request")
    print(f"  {'s':>6}{'resident MB':>14}{'in the log':>14}")
    step = max(1, len(samples) // _LINES)
    for at_s, resident_mb, waiting in samples[::step]:
        print(f"  {at_s:>6.0f}{resident_mb:>14,.0f}{waiting:>14,}")
    print(f"  idle after start {idle_mb:,.0f} MB (target {_IDLE_MB}: {_word(idle_mb, _IDLE_MB)})")
    print(f"  at most {most_mb:,.0f} MB (target {_MOST_MB}: {_word(most_mb, _MOST_MB)})")


def _sample(server: Server, requests: int) -> list[tuple[float, float, int]]:
    ready = Ready(Order("grpc", server.grpc_port, _RECORDS_A_REQUEST, requests, prebuilt=False))
    samples: list[tuple[float, float, int]] = []
    begun_s = time.perf_counter()
    ready.begin()
    while ready.running or server.undelivered():
        at_s = time.perf_counter() - begun_s
        samples.append((at_s, server.rss_bytes / _MEGABYTE, server.undelivered()))
        time.sleep(_SAMPLE_S)
    sent = ready.result()
    elapsed_s = time.perf_counter() - begun_s
    print(f"\n{sent.records / elapsed_s:,.0f} records/s, {sent.delays} delays", end="")
    return samples


def _word(value: float, limit: float) -> str:
    return "met" if value <= limit else "MISSED"
