"""Turn a directory of segments, as a crash may have left it, into a log that can go on."""

import logging
import os
import uuid
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..core.errors import Permanent
from . import segment as segments
from .segment import HEADER_BYTES, Segment, Sync

logger = logging.getLogger("agentpond.log")


@dataclass(frozen=True, slots=True)
class Recovered:
    """The segments in order, the last one to be written to, and what could not be read."""

    log_id: bytes
    segments: list[Segment]
    damaged_bytes: int


def recover(directory: Path, sync: Sync) -> Recovered:
    """Read all segments, cut a torn tail, and make a first segment where there is none.

    Raises:
        OSError: the disk refuses.
        Permanent: the files belong to several logs.

    """
    for leftover in directory.glob("*.new"):
        leftover.unlink()
    paths = sorted(directory.glob("*.log"))
    resume = max((segments.base_of(path) + _data_bytes(path) for path in paths), default=0)
    found, damaged_bytes = _load(paths)
    log_id = _log_id(directory, found)
    if found and found[-1].path == paths[-1]:
        _cut_tail(found[-1], sync)
        resume = found[-1].end
    if not found or found[-1].path != paths[-1] or not found[-1].takes_frames:
        new = segments.create(directory, log_id, resume, sync)
        # An empty one of an older format has given its name, and its file, to the new one.
        found = [*(segment for segment in found if segment.path != new.path), new]
    return Recovered(log_id, found, damaged_bytes)


def _load(paths: list[Path]) -> tuple[list[Segment], int]:
    limits = [segments.base_of(later) for _, later in pairwise(paths)]
    found = []
    damaged_bytes = 0
    for path, limit in zip(paths, [*limits, None][: len(paths)], strict=True):
        segment = segments.load(path, limit)
        if segment is None:
            damaged_bytes += _set_aside(path)
        else:
            found.append(segment)
            damaged_bytes += _judge(segment, limit)
    return found, damaged_bytes


def _judge(segment: Segment, limit: int | None) -> int:
    """Count what is missing from a segment that goes up to ``limit``, and tell it."""
    missing_bytes = segment.damaged_bytes + (0 if limit is None else limit - segment.end)
    if missing_bytes:
        logger.error(
            "log segment %s: %d bytes cannot be read, the records in them are lost. "
            "What stands around them is delivered; check the disk.",
            segment.path,
            missing_bytes,
        )
    return missing_bytes


def _set_aside(path: Path) -> int:
    """Put a file without a sound header out of the way; tell how many bytes are lost."""
    lost_bytes = _data_bytes(path)
    if not lost_bytes:
        # A crash while the segment was made: nothing was acknowledged from it.
        path.unlink()
        return 0
    aside = path.with_suffix(".damaged")
    path.replace(aside)
    logger.error(
        "log segment %s: its header cannot be read, %d bytes of records are lost. "
        "It was renamed to %s; check the disk.",
        path,
        lost_bytes,
        aside.name,
    )
    return lost_bytes


def _cut_tail(segment: Segment, sync: Sync) -> None:
    if not segment.tail_bytes:
        return
    logger.warning(
        "log segment %s: cut %d bytes of a write that was not finished and not acknowledged.",
        segment.path,
        segment.tail_bytes,
    )
    fd = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, segment.nbytes)
        sync(fd)
    finally:
        os.close(fd)


def _log_id(directory: Path, found: list[Segment]) -> bytes:
    ids = {segment.log_id for segment in found}
    if len(ids) > 1:
        raise Permanent(
            f"log {directory}: the files belong to {len(ids)} logs. "
            f"Move those that were copied in to a directory of their own.",
            reason="log_mixed",
        )
    return ids.pop() if ids else uuid.uuid4().bytes


def _data_bytes(path: Path) -> int:
    return max(path.stat().st_size - HEADER_BYTES, 0)
