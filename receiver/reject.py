"""Refuse items that can never be stored right, one by one, and say so in words.

A span without valid ids is rejected alone (OTLP conformance rule 41); so is a metric point
without a time (rule 42), or of a metric without an aggregation temporality (rule 43). Everything
else is kept: an unknown thing is no mistake.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.component import Taken
from ..pipeline.core.signal import Signal
from .wire.records import Records, keep_items

_Mask = npt.NDArray[np.bool_]

_NO_IDS = (
    "{} span(s) rejected: trace_id must be 16 bytes and span_id 8, neither all zero. "
    "Let the SDK make the ids; in OTLP/JSON write them in hex."
)
_NO_TIME = "{} data point(s) rejected: time_unix_nano is 0. Set the time of each point."
_NO_TEMPORALITY = (
    "{} data point(s) rejected: aggregation_temporality is not set, so that nobody can tell "
    "what to add up. Set DELTA (1) or CUMULATIVE (2) on each sum and histogram."
)

_UNSPECIFIED = 0
_OF_A_TEMPORALITY = pa.array(["sum", "histogram", "exponential_histogram"])


def reject_invalid(records: Records) -> tuple[Records, list[Taken]]:
    """Leave out invalid items.

    Returns the records without them, and for each request how many of its items were taken and
    rejected.
    """
    request = records.items.column("request").to_numpy()
    told = np.bincount(request, minlength=records.requests)
    mistakes = [(wrong, words) for wrong, words in _mistakes(records) if wrong.any()]
    if not mistakes:
        return records, [Taken(count) for count in told.tolist()]
    counts = [
        (np.bincount(request[wrong], minlength=records.requests).tolist(), words)
        for wrong, words in mistakes
    ]
    judged = [
        _verdict(all_of, [(wrong[number], words) for wrong, words in counts])
        for number, all_of in enumerate(told.tolist())
    ]
    return keep_items(records, ~np.any([wrong for wrong, _ in mistakes], axis=0)), judged


def _verdict(items: int, rejected: Sequence[tuple[int, str]]) -> Taken:
    bad = sum(count for count, _ in rejected)
    return Taken(items - bad, bad, " ".join(words.format(n) for n, words in rejected if n))


def _mistakes(records: Records) -> list[tuple[_Mask, str]]:
    """Mark the invalid items, each under one mistake, with its words."""
    items = records.items
    if records.signal is Signal.TRACES:
        known = pc.and_(items.column("trace_id").is_valid(), items.column("span_id").is_valid())
        return [(~known.to_numpy(zero_copy_only=False), _NO_IDS)]
    if records.signal is Signal.METRICS:
        untimed = items.column("time_unix_nano").to_numpy() == 0
        return [(untimed, _NO_TIME), (_unspecified(items) & ~untimed, _NO_TEMPORALITY)]
    return []


def _unspecified(items: pa.RecordBatch) -> _Mask:
    """Mark the points whose metric must tell a temporality and does not.

    metrics.proto: it "MUST not be used". Prometheus and Mimir refuse such requests whole.
    """
    unset: _Mask = items.column("temporality").to_numpy() == _UNSPECIFIED
    if not unset.any():
        return unset
    asked = pc.is_in(items.column("data"), value_set=_OF_A_TEMPORALITY)
    needed: _Mask = asked.to_numpy(zero_copy_only=False)
    return unset & needed
