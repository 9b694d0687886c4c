"""Run benches by name: ``python -m benches [names]``; without names all but ``memory``."""

import argparse
import os
import time
from collections.abc import Callable

from . import clustering, decoding, front, memory, parts, reprice, sessions, walk

BENCHES: dict[str, Callable[[], None]] = {
    "protobuf": decoding.bench_protobuf,
    "json": decoding.bench_json,
    "append": parts.bench_append,
    "processors": parts.bench_processors,
    "store": parts.bench_store,
    "walk": walk.bench_walk,
    "stages": walk.bench_stages,
    "peers": walk.bench_peers,
    "front": front.bench_front,
    "sessions": sessions.bench_sessions,
    "reprice": reprice.bench_reprice,
    "clustering": clustering.bench_clustering,
}


def main() -> None:
    """Read the command line and run what it names."""
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    names = [*BENCHES, "memory"]
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(names)}")
    parser.add_argument("--list", action="store_true", help="name the benches and stop")
    parser.add_argument("--records", type=int, default=1_000_000, help="for memory: how many")
    told = parser.parse_args()
    if unknown := sorted(set(told.names) - set(names)):
        parser.error(f"no bench named {', '.join(unknown)}. Known: {', '.join(names)}.")
    if told.list:
        _list()
        return
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    for name in told.names or BENCHES:
        if name == "memory":
            memory.bench_memory(told.records)
        else:
            BENCHES[name]()


def _list() -> None:
    for name, bench in BENCHES.items():
        print(f"{name:12}{(bench.__doc__ or '').splitlines()[0]}")
    print(f"{'memory':12}{(memory.bench_memory.__doc__ or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
