"""A second copy of a record adds nothing, within the window and across restarts."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentpond.exporters.duckdb import DuckDBExporter
from agentpond.exporters.duckdb.arrival import first_of_each
from agentpond.exporters.duckdb.seen import SeenIds, Words, hash_ids

from .support import column, deliver, event, later, make_store

COUNT = "SELECT count(*) FROM events"
UINT64 = st.integers(0, 2**64 - 1)
IDS = st.lists(st.tuples(UINT64 | st.integers(0, 3), UINT64 | st.integers(0, 3)), max_size=60)


def as_words(ids: list[tuple[int, int]]) -> Words:
    return np.array(ids, dtype=np.uint64).reshape(-1, 2)


def times(hashes: Words, received_us: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.full(len(hashes), received_us, dtype=np.int64)


@given(st.lists(IDS, max_size=8), IDS)
def test_the_index_answers_as_a_set_would(
    added: list[list[tuple[int, int]]], asked: list[tuple[int, int]]
) -> None:
    index, model = SeenIds(first_slots=8, most_slots=32), set[tuple[int, int]]()
    for ids in added:
        hashes = hash_ids(as_words(ids))
        index.add(hashes, times(hashes, 0))
        model.update(ids)

    wanted = asked + sorted(model)
    found = index.probe(hash_ids(as_words(wanted))).mask.tolist()

    assert found == [pair in model for pair in wanted]


@given(st.lists(IDS.filter(bool), min_size=1, max_size=8), st.integers(0, 8))
def test_forgetting_keeps_all_that_is_young_enough(
    added: list[list[tuple[int, int]]], before_us: int
) -> None:
    index = SeenIds(first_slots=8, most_slots=32)
    for received_us, ids in enumerate(added):
        hashes = hash_ids(as_words(ids))
        index.add(hashes, times(hashes, received_us))

    index.forget(before_us)

    young = [pair for ids in added[before_us:] for pair in ids]
    assert index.probe(hash_ids(as_words(young))).mask.all()


def test_forgetting_gives_memory_back() -> None:
    index = SeenIds(first_slots=8, most_slots=16)
    hashes = hash_ids(as_words([(number, 0) for number in range(100)]))
    index.add(hashes, np.arange(100, dtype=np.int64))

    index.forget(1000)

    assert index.nbytes == 0


def test_adding_the_same_ids_again_takes_no_room() -> None:
    index = SeenIds(first_slots=64, most_slots=64)
    hashes = hash_ids(as_words([(number, 0) for number in range(20)]))

    for _ in range(50):
        index.add(hashes, times(hashes, 0))

    assert index.nbytes == 64 * 4


@given(IDS)
def test_the_first_of_each_id_is_marked(ids: list[tuple[int, int]]) -> None:
    words = as_words(ids)

    marked = first_of_each(words, hash_ids(words)).tolist()

    assert marked == [pair not in ids[:at] for at, pair in enumerate(ids)]


@given(IDS)
def test_ids_whose_hashes_collide_are_told_apart(ids: list[tuple[int, int]]) -> None:
    words, colliding = as_words(ids), np.zeros(len(ids), dtype=np.uint64)

    marked = first_of_each(words, colliding).tolist()

    assert marked == [pair not in ids[:at] for at, pair in enumerate(ids)]


def test_a_hit_in_the_index_alone_does_not_lose_a_record(store: DuckDBExporter) -> None:
    opened = store._open
    assert opened is not None
    delivery = deliver(0, [event(1)])
    hashes = hash_ids(as_words([(0, 1 << 56)]))
    opened.seen.add(hashes, times(hashes, 0))
    assert opened.seen.probe(hashes).mask.all()

    dropped = store.export(delivery)

    assert (list(dropped), column(store, COUNT)) == ([], [1])


def test_a_copy_within_the_window_adds_nothing(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    store.export(deliver(1, [event(1, received_at=later(hours=23, minutes=59))]))

    assert column(store, COUNT) == [1]


def test_a_copy_after_the_window_is_a_record_of_its_own(store: DuckDBExporter) -> None:
    store.export(deliver(0, [event(1)]))

    store.export(deliver(1, [event(1, received_at=later(hours=24, minutes=1))]))

    assert column(store, COUNT) == [2]


def test_the_window_runs_from_the_copy_stored_last(store: DuckDBExporter) -> None:
    for start, hours in enumerate((0, 25, 48)):
        store.export(deliver(start, [event(1, received_at=later(hours=hours))]))

    assert column(store, COUNT) == [2]


def test_a_copy_after_a_restart_adds_nothing(store: DuckDBExporter, path: Path) -> None:
    store.export(deliver(0, [event(number) for number in range(500)]))
    store.stop()

    again = make_store(path)
    again.start()
    again.export(deliver(1, [event(number) for number in range(490, 510)]))
    told = column(again, COUNT)
    again.stop()

    assert told == [510]


def test_the_window_can_be_set(path: Path) -> None:
    short = make_store(path, dedup_window=timedelta(minutes=5))
    short.start()
    short.export(deliver(0, [event(1)]))

    short.export(deliver(1, [event(1, received_at=later(minutes=6))]))

    assert column(short, COUNT) == [2]
    short.stop()


STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 6), st.integers(0, 30)), max_size=6), st.booleans()
    ),
    max_size=6,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_the_file_holds_what_the_rule_says_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[list[tuple[int, int]], bool]],
) -> None:
    store = make_store(tmp_path_factory.mktemp("law") / "x.duckdb")
    store.start()
    stored: list[tuple[int, int]] = []

    for start, (sent, restart) in enumerate(steps):
        store.export(deliver(start, [event(n, received_at=later(hours=h)) for n, h in sent]))
        before = list(stored)
        firsts = dict(reversed(sent))
        stored += [
            (number, hours)
            for number, hours in firsts.items()
            if not any(n == number and h >= hours - 24 for n, h in before)
        ]
        if restart:
            store.stop()
            store.start()

    assert column(store, COUNT) == [len(stored)]
    store.stop()
