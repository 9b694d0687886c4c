"""Be the codec of OTLP: judge and decode request bodies, and normalise what was decoded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..pipeline.core.batch import Batch
from ..pipeline.core.component import Decoded, Placed, Taken
from ..pipeline.core.errors import Permanent
from ..pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS
from ..pipeline.core.signal import Encoding, Identity, Request, Signal
from .normalize import Arrival, Normalized, concat_arrivals, normalize
from .reject import reject_invalid
from .second_look import look_again, wrong_signal
from .wire.decode import decode
from .wire.records import Records, concat_records


@dataclass(frozen=True, slots=True)
class DecodedRequests:
    """Records of the requests that were taken, by signal and encoding.

    Each part comes with the numbers, among the taken requests, of those its bodies are.
    ``identities`` says who sent each taken request; it is empty where nobody was asked.
    """

    parts: tuple[tuple[Records, tuple[int, ...]], ...]
    identities: tuple[Identity | None, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of memory the records hold."""
        return sum(records.nbytes for records, _ in self.parts)


class OtlpCodec:
    """Decodes OTLP in protobuf and JSON; implements ``pipeline.core.component.Codec``."""

    def decode(
        self, requests: Sequence[Request]
    ) -> tuple[Sequence[Taken | Permanent], DecodedRequests]:
        """Judge each request, and decode all that were taken, one call a signal and encoding."""
        verdicts: dict[int, Taken | Permanent] = {}
        decoded: list[tuple[Records, tuple[int, ...]]] = []
        for signal, encoding, at in _alike(requests):
            for records, which in _decode(signal, encoding, requests, at, verdicts):
                decoded.append((records, which))
        taken = [at for at in range(len(requests)) if isinstance(verdicts[at], Taken)]
        renumbered = {at: number for number, at in enumerate(taken)}
        parts = tuple(
            (records, tuple(renumbered[at] for at in which)) for records, which in decoded
        )
        identities = tuple(requests[at].identity for at in taken)
        return (
            [verdicts[at] for at in range(len(requests))],
            DecodedRequests(parts, identities if any(identities) else ()),
        )

    def normalize(self, placed: Sequence[Placed]) -> list[Batch]:
        """Turn decoded requests into batches of the three tables, signal by signal."""
        batches: list[Batch] = []
        for signal in Signal:
            told = list(_of_signal(placed, signal))
            if told:
                records = concat_records([records for records, _ in told])
                arrival = concat_arrivals([arrival for _, arrival in told])
                batches += _batches(normalize(records, arrival))
        return batches


def _alike(requests: Sequence[Request]) -> Iterator[tuple[Signal, Encoding, list[int]]]:
    """Group the numbers of requests by signal and encoding."""

    def kind(at: int) -> tuple[Signal, Encoding]:
        return requests[at].signal, requests[at].encoding

    for (signal, encoding), at in groupby(sorted(range(len(requests)), key=kind), key=kind):
        yield signal, encoding, list(at)


def _decode(
    signal: Signal,
    encoding: Encoding,
    requests: Sequence[Request],
    at: Sequence[int],
    verdicts: dict[int, Taken | Permanent],
) -> Iterator[tuple[Records, tuple[int, ...]]]:
    """Decode requests together; where that fails, halve them until the bad ones stand alone."""
    chosen = [requests[number] for number in at]
    try:
        records = decode(signal, encoding, [request.body for request in chosen])
    except Permanent as error:
        if len(at) == 1:
            verdicts[at[0]] = wrong_signal(chosen[0]) or error
            return
        middle = len(at) // 2
        yield from _decode(signal, encoding, requests, at[:middle], verdicts)
        yield from _decode(signal, encoding, requests, at[middle:], verdicts)
        return
    kept, judged = reject_invalid(records)
    told = look_again(chosen, records, judged)
    verdicts.update(zip(at, told, strict=True))
    taken = [number for number in at if isinstance(verdicts[number], Taken)]
    if len(taken) == len(at):
        yield kept, tuple(at)
    elif taken:
        yield from _decode(signal, encoding, requests, taken, verdicts)


def _of_signal(placed: Sequence[Placed], signal: Signal) -> Iterator[tuple[Records, Arrival]]:
    for one in placed:
        positions = np.asarray(one.positions, dtype=np.int64)
        received_at_us = np.asarray(one.received_at_ns, dtype=np.int64) // 1000
        decoded = _told(one.decoded)
        for records, which in decoded.parts:
            if records.signal is signal:
                at = np.asarray(which, dtype=np.int64)
                senders = tuple(decoded.identities[n] for n in which) if decoded.identities else ()
                yield records, Arrival(positions[at], received_at_us[at], senders)


def _told(decoded: Decoded) -> DecodedRequests:
    if not isinstance(decoded, DecodedRequests):
        raise TypeError(f"{type(decoded).__name__} was not made by OtlpCodec.decode")
    return decoded


def _batches(normalized: Normalized) -> Iterator[Batch]:
    yield Batch(EVENTS, normalized.events)
    yield Batch(RESOURCES, normalized.resources)
    if normalized.span_events.num_rows:
        yield Batch(SPAN_EVENTS, normalized.span_events)
