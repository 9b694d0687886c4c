"""What every log does, on disk or in memory."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.core.signal import Signal
from agentpond.pipeline.engine.contract import Log
from agentpond.pipeline.engine.log import FileLog
from agentpond.pipeline.engine.memory_log import MemoryLog


def test_what_was_appended_is_read_again_in_order(kit: Any, any_log: Log) -> None:
    entries = [kit.entry(b"1"), kit.entry(b"22", Signal.TRACES), kit.entry(b"", receiver="x/2")]

    positions = any_log.append(entries)

    extract = any_log.read(0, 1000)
    assert extract.entries == tuple(entries)
    assert extract.positions == tuple(positions)
    assert extract.records == 9
    assert [request.body for request in extract.requests] == [b"1", b"22", b""]
    assert (extract.start, extract.end) == (0, any_log.end)


def test_positions_only_grow(kit: Any, any_log: Log) -> None:
    first = any_log.append([kit.entry()])
    any_log.forget(any_log.end, idle=True)

    second = any_log.append([kit.entry()])

    assert first == [0]
    assert second[0] > 0


def test_reading_gives_at_least_one_entry_however_small_the_limit(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry(b"x" * 100), kit.entry()])

    extract = any_log.read(0, 1)

    assert len(extract.entries) == 1
    assert any_log.read(extract.end, 1).entries == (kit.entry(),)


def test_reading_stops_before_the_limit(kit: Any, any_log: Log) -> None:
    positions = any_log.append([kit.entry()] * 5)

    extract = any_log.read(0, positions[2])

    assert extract.positions == tuple(positions[:2])


def test_reading_does_not_cross_until(kit: Any, any_log: Log) -> None:
    positions = any_log.append([kit.entry()] * 5)

    extract = any_log.read(positions[1], 1000, until=positions[3])

    assert extract.positions == tuple(positions[1:3])
    assert extract.end == positions[3]


def test_reading_at_the_end_gives_nothing(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()])

    extract = any_log.read(any_log.end, 1000)

    assert extract.entries == ()
    assert extract.end == any_log.end


def test_a_position_that_was_forgotten_is_told(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()])
    any_log.forget(any_log.end, idle=True)

    with pytest.raises(Permanent, match="position 0 was forgotten, the log begins at") as caught:
        any_log.read(0, 1000)

    assert caught.value.reason == "log_forgotten"


def test_a_position_inside_a_frame_is_told(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()])

    with pytest.raises(Permanent, match="no frame begins at position 5"):
        any_log.read(5, 1000)


def test_records_are_counted_from_a_position_on(kit: Any, any_log: Log) -> None:
    positions = any_log.append([kit.entry()] * 4)

    counts = [any_log.records_after(position) for position in [*positions, any_log.end]]

    assert counts == [12, 9, 6, 3, 0]


def test_records_are_counted_by_receiver_and_signal(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry(), kit.entry(signal=Signal.TRACES), kit.entry(receiver="other")])

    assert any_log.records_after(0, lambda kind: kind == ("otlp", Signal.TRACES)) == 3
    assert any_log.records_after(0, lambda kind: kind[0] == "otlp") == 6


def test_forgetting_all_leaves_no_record(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()] * 4)

    any_log.forget(any_log.end, idle=True)

    assert any_log.records_after(0) == 0
    assert any_log.start == any_log.end


def test_advancing_leaves_a_gap_that_reading_passes(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()])
    end = any_log.end

    any_log.advance(1000)
    positions = any_log.append([kit.entry(b"7")])

    assert positions == [1000]
    assert any_log.read(end, 1000).entries in {(), (kit.entry(b"7"),)}
    assert any_log.read(1000, 1000).entries == (kit.entry(b"7"),)


def test_advancing_backwards_does_nothing(kit: Any, any_log: Log) -> None:
    any_log.append([kit.entry()])
    end = any_log.end

    any_log.advance(3)

    assert any_log.end == end


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_full_log_says_which_setting_helps(kit: Any, kind: str) -> None:
    log: Log = kit.log(max_bytes=200) if kind == "file" else MemoryLog(200)
    log.open()
    log.append([kit.entry(b"1" * 50)])

    with pytest.raises(Retryable, match=r"is full: .* raise service\.log\.max_bytes") as caught:
        log.append([kit.entry(b"1" * 150)])

    assert caught.value.reason == "log_full"
    assert caught.value.retry_after_s >= 1
    assert log.records_after(0) == 3


def test_forgetting_makes_room(kit: Any) -> None:
    log = kit.log(max_bytes=250)
    log.open()
    log.append([kit.entry(b"1" * 120)])

    log.forget(log.end, idle=True)

    assert log.append([kit.entry(b"1" * 120)])


def test_closing_twice_and_before_opening_is_safe(kit: Any) -> None:
    for log in (kit.log(), MemoryLog(100)):
        log.close()
        log.open()
        log.close()
        log.close()

        log.open()
        assert log.append([kit.entry()])
        log.close()


def test_a_closed_log_refuses(kit: Any) -> None:
    log = kit.log()
    log.open()
    log.close()

    with pytest.raises(Permanent, match="is not open"):
        log.append([kit.entry()])


sizes = st.lists(st.integers(0, 80), min_size=1, max_size=5)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("append"), sizes),
        st.tuples(st.just("forget"), st.integers(0, 10)),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions)
def test_a_log_on_disk_tells_the_same_as_a_list(kit: Any, told: list[Any]) -> None:
    name = f"log-{len(list(kit.directory.iterdir()))}"
    log = kit.log(name, segment_bytes=150)
    log.open()
    log_id = log.log_id
    model: list[tuple[int, bytes]] = []

    for action, given_ in told:
        if action == "append":
            entries = [kit.entry(b"x" * size) for size in given_]
            model += zip(log.append(entries), [e.request.body for e in entries], strict=True)
        elif action == "forget" and model:
            before = model[min(given_, len(model) - 1)][0]
            log.forget(before, idle=True)
            model = [pair for pair in model if pair[0] >= log.start]
            assert not model or model[0][0] <= before
        elif action == "reopen":
            log.close()
            log = kit.log(name, segment_bytes=150)
            log.open()

        assert _everything(log) == model
        assert log.records_after(log.start) == 3 * len(model)
        assert log.log_id == log_id
    log.close()


def _everything(log: FileLog) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = log.start
    while at < log.end:
        extract = log.read(at, 64)
        bodies = [request.body for request in extract.requests]
        found += zip(extract.positions, bodies, strict=True)
        at = extract.end
    return found
