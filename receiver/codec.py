"""Be the codec of OTLP: judge and decode request bodies, and normalise what was decoded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..pipeline.core.batch import Batch
from ..pipeline.core.component import Decoded, Placed, Taken
from ..pipeline.core.errors import Permanent
from ..pipeline.core.schema import EVENTS, RESOURCES, SPAN_EVENTS
from ..pipeline.core.signal import Encoding, Request, Signal
from .normalize import Arrival, Normalized, normalize
from .reject import reject_invalid
from .wire.decode import decode
from .wire.records import Records, concat_records


@dataclass(frozen=True, slots=True)
class DecodedRequests:
    """Records of the requests that were taken, by signal and encoding.

    ``requests`` says for each part which of the taken requests its bodies are.
    """

    parts: tuple[tuple[Records, tuple[int, ...]], ...]

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
        return [verdicts[at] for at in range(len(requests))], DecodedRequests(parts)

    def normalize(self, placed: Sequence[Placed]) -> list[Batch]:
        """Turn decoded requests into batches of the three tables, signal by signal."""
        batches: list[Batch] = []
        for signal in Signal:
            told = list(_of_signal(placed, signal))
            if told:
                records = concat_records([records for records, _, _ in told])
                arrival = Arrival(
                    np.concatenate([positions for _, positions, _ in told]),
                    np.concatenate([received for _, _, received in told]) // 1000,
                )
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
    try:
        records = decode(signal, encoding, [requests[number].body for number in at])
    except Permanent as error:
        if len(at) == 1:
            verdicts[at[0]] = error
            return
        middle = len(at) // 2
        yield from _decode(signal, encoding, requests, at[:middle], verdicts)
        yield from _decode(signal, encoding, requests, at[middle:], verdicts)
    else:
        kept, judged = reject_invalid(records)
        verdicts.update(zip(at, judged, strict=True))
        yield kept, tuple(at)


def _of_signal(
    placed: Sequence[Placed], signal: Signal
) -> Iterator[tuple[Records, np.ndarray, np.ndarray]]:
    for one in placed:
        positions = np.asarray(one.positions, dtype=np.int64)
        received_at_ns = np.asarray(one.received_at_ns, dtype=np.int64)
        for records, which in _parts(one.decoded):
            if records.signal is signal:
                at = np.asarray(which, dtype=np.int64)
                yield records, positions[at], received_at_ns[at]


def _parts(decoded: Decoded) -> tuple[tuple[Records, tuple[int, ...]], ...]:
    if not isinstance(decoded, DecodedRequests):
        raise TypeError(f"{type(decoded).__name__} was not made by OtlpCodec.decode")
    return decoded.parts


def _batches(normalized: Normalized) -> Iterator[Batch]:
    yield Batch(EVENTS, normalized.events)
    yield Batch(RESOURCES, normalized.resources)
    if normalized.span_events.num_rows:
        yield Batch(SPAN_EVENTS, normalized.span_events)
