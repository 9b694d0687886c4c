"""Refuse items that can never be stored right, one by one, and say so in words.

A span without valid ids is rejected alone (OTLP conformance rule 41), a metric point without a
time too (rule 42). Everything else is kept: an unknown thing is no mistake.
"""

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from ..pipeline.core.component import Taken
from ..pipeline.core.signal import Signal
from .wire.records import Records, keep_items

_WORDS = {
    Signal.TRACES: (
        "{} span(s) rejected: trace_id must be 16 bytes and span_id 8, neither all zero. "
        "Let the SDK make the ids; in OTLP/JSON write them in hex."
    ),
    Signal.METRICS: ("{} data point(s) rejected: time_unix_nano is 0. Set the time of each point."),
}


def reject_invalid(records: Records) -> tuple[Records, list[Taken]]:
    """Leave out invalid items.

    Returns the records without them, and for each request how many of its items were taken and
    rejected.
    """
    valid = _valid(records)
    request = records.items.column("request").to_numpy()
    told = np.bincount(request, minlength=records.requests)
    if valid is None or valid.all():
        return records, [Taken(count) for count in told.tolist()]
    rejected = np.bincount(request[~valid], minlength=records.requests)
    judged = [
        Taken(all_of - bad, bad, _WORDS[records.signal].format(bad) if bad else "")
        for all_of, bad in zip(told.tolist(), rejected.tolist(), strict=True)
    ]
    return keep_items(records, valid), judged


def _valid(records: Records) -> npt.NDArray[np.bool_] | None:
    items = records.items
    if records.signal is Signal.TRACES:
        known = pc.and_(items.column("trace_id").is_valid(), items.column("span_id").is_valid())
        told: npt.NDArray[np.bool_] = known.to_numpy(zero_copy_only=False)
        return told
    if records.signal is Signal.METRICS:
        timed: npt.NDArray[np.bool_] = items.column("time_unix_nano").to_numpy() > 0
        return timed
    return None
