"""What only the log on disk does: survive, notice, refuse."""

import errno
import logging
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from agentpond.pipeline.core.errors import Permanent, Retryable
from agentpond.pipeline.engine.frame import encode, first_seal_of
from agentpond.pipeline.engine.log import FileLog

WHOLE = 1 << 30
OLD_LOG_ID = b"0123456789abcdef"
OLD_SEAL = first_seal_of(OLD_LOG_ID)


def segments(log_directory: Path) -> list[Path]:
    return sorted(log_directory.glob("*.log"))


def bodies(log: FileLog) -> list[bytes]:
    found: list[bytes] = []
    at = log.start
    while at < log.end:
        extract = log.read(at, WHOLE)
        found += [request.body for request in extract.requests]
        at = extract.end
    return found


def filled(kit: Any, count: int = 3, **settings: Any) -> tuple[Path, list[int]]:
    log = kit.log(**settings)
    log.open()
    positions = [log.append([kit.entry(b"body %d" % n)])[0] for n in range(count)]
    log.close()
    return kit.directory / "log", [*positions, log.end]


def reopened(kit: Any, **settings: Any) -> FileLog:
    log: FileLog = kit.log(**settings)
    log.open()
    return log


def test_it_remembers_its_id_and_end_when_all_is_forgotten(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry()])
    log.forget(log.end, idle=True)
    told = (log.log_id, log.start, log.end)
    log.close()

    again = reopened(kit)

    assert (again.log_id, again.start, again.end) == told
    assert again.append([kit.entry()]) == [told[2]]


def test_nothing_of_a_body_lingers_on_disk_once_it_is_forgotten(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry(b"a secret prompt")])

    log.forget(log.end, idle=True)

    assert all(b"secret" not in path.read_bytes() for path in (kit.directory / "log").iterdir())


def test_a_new_segment_begins_when_one_is_full(kit: Any) -> None:
    log = reopened(kit, segment_bytes=100)

    for _ in range(4):
        log.append([kit.entry(b"1" * 60)])

    assert len(segments(kit.directory / "log")) == 4
    assert len(bodies(log)) == 4


def test_whole_segments_go_and_the_others_stay(kit: Any) -> None:
    log = reopened(kit, segment_bytes=100)
    positions = [log.append([kit.entry(b"1" * 60)])[0] for _ in range(4)]

    log.forget(positions[2], idle=True)

    assert log.start == positions[2]
    assert len(segments(kit.directory / "log")) == 2


def test_while_requests_come_the_active_segment_stays_until_it_has_grown(kit: Any) -> None:
    log = reopened(kit, segment_bytes=1 << 30, max_bytes=1 << 30)
    log.append([kit.entry(b"1")])
    log.forget(log.end)
    start = log.start

    log.append([kit.entry(b"1" * (5 << 20))])
    log.forget(log.end)

    assert start == 0
    assert log.start == log.end


def test_one_append_is_one_fsync(kit: Any) -> None:
    synced: list[int] = []
    log = kit.log(fsync="group", sync=synced.append)
    log.open()
    synced.clear()

    log.append([kit.entry()] * 5000)

    assert len(synced) == 1
    assert len(bodies(log)) == 5000


def test_without_fsync_the_system_decides(kit: Any) -> None:
    synced: list[int] = []
    log = kit.log(fsync="none", sync=synced.append)
    log.open()

    log.append([kit.entry()])

    assert synced == []


def test_a_tail_torn_at_any_byte_is_cut(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    directory, positions = filled(kit)
    path = segments(directory)[0]
    whole = path.read_bytes()
    header_bytes = len(whole) - positions[-1]

    for end in range(header_bytes + positions[2], len(whole)):
        path.write_bytes(whole[:end])
        log = reopened(kit)
        assert bodies(log) == [b"body 0", b"body 1"]
        assert log.end == positions[2]
        assert log.damaged_bytes == 0
        assert log.append([kit.entry(b"next")]) == [positions[2]]
        log.close()

    assert "not finished and not acknowledged" in caplog.text


def test_a_last_frame_with_any_byte_changed_is_cut(kit: Any) -> None:
    directory, positions = filled(kit)
    path = segments(directory)[0]
    whole = path.read_bytes()
    header_bytes = len(whole) - positions[-1]

    for at in range(header_bytes + positions[2], len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        log = reopened(kit)
        assert bodies(log) == [b"body 0", b"body 1"]
        log.close()


def test_damage_among_sound_frames_is_told_and_the_rest_is_read(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    directory, positions = filled(kit)
    path = segments(directory)[0]
    whole = path.read_bytes()
    header_bytes = len(whole) - positions[-1]

    for at in range(header_bytes + positions[1], header_bytes + positions[2]):
        caplog.clear()
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        log = reopened(kit)
        assert bodies(log) == [b"body 0", b"body 2"]
        assert log.damaged_bytes == positions[2] - positions[1]
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        log.close()


def test_an_older_segment_that_lost_its_end_is_told(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    directory, positions = filled(kit, segment_bytes=1)
    first = segments(directory)[0]
    first.write_bytes(first.read_bytes()[:-3])

    log = reopened(kit, segment_bytes=1)

    assert bodies(log) == [b"body 1", b"body 2"]
    assert log.damaged_bytes == positions[1]
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("tail", [b"", b"a write that was not finished"], ids=["whole", "torn"])
@pytest.mark.parametrize("count", [0, 2])
def test_a_log_of_the_first_format_is_read_and_goes_on_in_the_new_one(
    kit: Any, count: int, tail: bytes
) -> None:
    directory = kit.directory / "log"
    directory.mkdir()
    written = [b"".join(encode(kit.entry(b"old %d" % n), OLD_SEAL)) for n in range(count)]
    header = b"apondlg1" + OLD_LOG_ID + bytes(8)
    old = header + crc32(header).to_bytes(4, "little") + b"".join(written)
    (directory / f"{0:020d}.log").write_bytes(old + tail)

    log = reopened(kit)
    log.append([kit.entry(b"new")])
    log.close()

    expected = [*(b"old %d" % n for n in range(count)), b"new"]
    log = reopened(kit)
    assert bodies(log) == expected
    assert log.damaged_bytes == 0
    assert log.log_id == OLD_LOG_ID.hex()


def test_a_segment_without_a_sound_header_is_set_aside(kit: Any) -> None:
    directory, positions = filled(kit, segment_bytes=1)
    middle = segments(directory)[1]
    middle.write_bytes(b"x" + middle.read_bytes()[1:])

    log = reopened(kit, segment_bytes=1)

    assert bodies(log) == [b"body 0", b"body 2"]
    assert log.damaged_bytes == positions[2] - positions[1]
    assert [path.name for path in directory.glob("*.damaged")] == [f"{positions[1]:020d}.damaged"]


def test_positions_go_on_behind_a_last_segment_that_was_set_aside(kit: Any) -> None:
    directory, positions = filled(kit)
    only = segments(directory)[0]
    only.write_bytes(b"x" + only.read_bytes()[1:])

    log = reopened(kit)

    assert log.end == positions[-1]


def test_a_crash_while_a_segment_is_made_leaves_no_trace(kit: Any) -> None:
    directory, positions = filled(kit)
    (directory / f"{positions[-1]:020d}.log").write_bytes(b"apond")
    (directory / f"{positions[-1]:020d}.new").write_bytes(b"apond")

    log = reopened(kit)

    assert log.damaged_bytes == 0
    assert log.end == positions[-1]
    assert not list(directory.glob("*.new"))


def test_segments_of_two_logs_are_refused(kit: Any) -> None:
    other = kit.log("other")
    other.open()
    other.advance(500)
    other.append([kit.entry()])
    other.close()
    directory, _ = filled(kit)
    stranger = segments(kit.directory / "other")[0]
    (directory / stranger.name).write_bytes(stranger.read_bytes())

    with pytest.raises(Permanent, match="the files belong to 2 logs"):
        reopened(kit)


def test_a_file_damaged_while_it_is_open_costs_only_what_it_held(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log = reopened(kit)
    log.append([kit.entry(b"one"), kit.entry(b"two")])
    path = segments(kit.directory / "log")[0]
    path.write_bytes(path.read_bytes().replace(b"one", b"One"))

    extract = log.read(0, WHOLE)

    assert [request.body for request in extract.requests] == [b"two"]
    assert sum(extract.lost.values()) == 3
    assert log.damaged_bytes > 0
    assert "can no longer be read" in caplog.text


def test_a_segment_deleted_while_it_is_open_is_counted_as_lost(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry()])
    segments(kit.directory / "log")[0].unlink()

    extract = log.read(0, WHOLE)

    assert extract.entries == ()
    assert sum(extract.lost.values()) == 3
    assert extract.end == log.end


def test_a_deleted_segment_is_not_written_to(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry()])
    segments(kit.directory / "log")[0].unlink()

    log.append([kit.entry(b"next")])
    log.close()

    assert bodies(reopened(kit)) == [b"next"]


def test_a_vanished_directory_is_told(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry()])
    (kit.directory / "log").rename(kit.directory / "gone")
    (kit.directory / "gone" / f"{0:020d}.log").unlink()

    with pytest.raises(Retryable, match="that the directory exists"):
        log.append([kit.entry()])
    with pytest.raises(Retryable, match="that the directory exists"):
        log.read(0, WHOLE)


def test_a_second_log_on_the_directory_names_the_owner(kit: Any) -> None:
    reopened(kit)

    with pytest.raises(Permanent, match=f"process id {os.getpid()}") as caught:
        reopened(kit)

    assert caught.value.reason == "log_locked"


def test_another_process_is_refused_too(kit: Any) -> None:
    directory = kit.directory / "log"
    reopened(kit)
    program = (
        "import sys; from pathlib import Path; from agentpond.pipeline.engine.log import FileLog;"
        "FileLog(Path(sys.argv[1]), 1000, 1000, 'none').open()"
    )

    told = subprocess.run(
        [sys.executable, "-c", program, str(directory)], capture_output=True, text=True, check=False
    )

    assert told.returncode == 1
    assert f"in use by the service with process id {os.getpid()}" in told.stderr


@contextmanager
def files_no_longer_than(nbytes: int) -> Iterator[None]:
    """Have the system refuse to let files grow, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_half_way_is_taken_back(kit: Any) -> None:
    log = reopened(kit)
    log.append([kit.entry(b"kept")])

    with files_no_longer_than(500), pytest.raises(Retryable) as caught:
        log.append([kit.entry(b"1" * 300), kit.entry(b"2" * 300)])

    assert caught.value.reason == "log_write_failed"
    assert segments(kit.directory / "log")[0].stat().st_size < 300
    assert bodies(log) == [b"kept"]
    log.append([kit.entry(b"next")])
    assert bodies(log) == [b"kept", b"next"]


class FailingSync:
    """Fails as often as it is told to."""

    def __init__(self) -> None:
        self.failures = 0

    def __call__(self, _fd: int) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "Input/output error")


def test_while_the_disk_refuses_there_is_no_room(kit: Any) -> None:
    log = reopened(kit)
    with files_no_longer_than(0):
        log.require_room(10)
        with pytest.raises(Retryable):
            log.append([kit.entry(b"lost")])

        with pytest.raises(Retryable, match="Check the disk's space") as caught:
            log.require_room(10)

    assert caught.value.reason == "log_write_failed"
    log.require_room(10)


def test_a_file_whose_fsync_failed_is_never_written_again(kit: Any) -> None:
    sync = FailingSync()
    log = reopened(kit, fsync="group", sync=sync)
    log.append([kit.entry(b"kept")])
    sync.failures = 1

    with pytest.raises(Retryable, match="Input/output error"):
        log.append([kit.entry(b"lost")])
    log.append([kit.entry(b"next")])

    assert len(segments(kit.directory / "log")) == 2
    log.close()
    assert bodies(reopened(kit)) == [b"kept", b"next"]


def test_an_empty_segment_outlives_a_failed_fsync(kit: Any) -> None:
    sync = FailingSync()
    log = reopened(kit, fsync="group", sync=sync)
    told = log.log_id
    sync.failures = 2

    for _ in range(2):
        with pytest.raises(Retryable):
            log.append([kit.entry(b"lost")])
    log.close()

    again = reopened(kit)
    assert again.log_id == told
    assert bodies(again) == []


def test_a_disk_that_refuses_to_forget_is_told_and_asked_again(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sync = FailingSync()
    log = reopened(kit, fsync="group", sync=sync)
    log.append([kit.entry()])
    sync.failures = 1

    log.forget(log.end, idle=True)
    log.forget(log.end, idle=True)

    assert "cannot forget" in caplog.text
    assert log.start == log.end


def test_a_directory_that_cannot_be_made_is_told(kit: Any) -> None:
    (kit.directory / "log").write_text("a file")

    with pytest.raises(Retryable, match="log"):
        reopened(kit)


def test_files_are_readable_by_their_owner_alone(kit: Any) -> None:
    directory, _ = filled(kit)

    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}

    assert set(modes.values()) == {0o600}


KILLED = """
import sys
from pathlib import Path
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.pipeline.engine.log import Entry, FileLog

log = FileLog(Path(sys.argv[1]), 1 << 30, 20_000, "group")
log.open()
number = 0
while True:
    bodies = [b"%d" % (number + n) for n in range(7)]
    requests = [Request(Signal.LOGS, Encoding.JSON, body, 0, "otlp") for body in bodies]
    log.append([Entry(request, 1) for request in requests])
    number += 7
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 20, 300])
def test_what_was_acknowledged_before_a_kill_is_there(kit: Any, after: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(kit.directory / "log")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(after)]
        child.kill()
        lines += child.stdout.readlines()

    log = reopened(kit)

    acknowledged = max(int(line) for line in lines if line.endswith("\n"))
    found = bodies(log)
    assert found == [b"%d" % number for number in range(len(found))]
    assert len(found) >= acknowledged
    assert log.damaged_bytes == 0
