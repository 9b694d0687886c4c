"""Look again at requests that decoded to less than they seem to hold, and say why in words.

Decoders ignore what they do not know, as they must: logs sent as traces can become no spans, or
empty ones, and a misspelt key vanishes. Whoever sends such a thing would never learn of it. Each
request is looked at for signs of that, which cost next to nothing; only where there are some is
its body read again.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..pipeline.core.component import Taken
from ..pipeline.core.errors import Permanent
from ..pipeline.core.signal import Encoding, Request, Signal
from .tell import tell_signal
from .wire import spelling
from .wire.official import has_string_indices
from .wire.records import Attributes, Records

Mask = npt.NDArray[np.bool_]

_SERVICES = {
    Signal.LOGS: "LogsService",
    Signal.METRICS: "MetricsService",
    Signal.TRACES: "TraceService",
}

_MOST_NAMED = 5

# Whoever leaves a value empty on purpose pays for a second parse; that may not take for ever.
_MOST_SEARCHED_BYTES = 4 << 20

# A scope's attributes stand among those of its items under a prefix (`wire.envelope`).
_NO_KEY = pa.array(["", "otel.scope."])

_BASE64_IDS = (
    "Trace or span ids are in base64 and were not taken. OTLP/JSON has them in hex: "
    "32 characters for a trace_id, 16 for a span_id."
)
_STRING_INDICES = (
    "Attributes with key_strindex or string_value_strindex were taken as absent: there is no "
    "table of strings outside profiles. Send `key` and `stringValue`."
)


class _Blanks(Enum):
    """What attributes lack."""

    NONE = auto()
    VALUES = auto()
    KEYS = auto()


def wrong_signal(request: Request) -> Permanent | None:
    """Give the refusal of a body that holds another signal than it came as; None if it does not."""
    told = tell_signal(request.body, request.encoding)
    if told is None or told is request.signal:
        return None
    return Permanent(
        f"the body holds {told}, but came as {request.signal}. Send it to /v1/{told} "
        f"(OTEL_EXPORTER_OTLP_{told.upper()}_ENDPOINT), or call {_SERVICES[told]}.",
        reason="wrong_signal",
    )


def look_again(
    requests: Sequence[Request], records: Records, judged: Sequence[Taken]
) -> Sequence[Taken | Permanent]:
    """Judge requests again: some hold another signal, some get a warning.

    The requests are of one signal and encoding; ``records`` are theirs before any were left
    out, ``judged`` is what was decided of each.
    """
    blank = _with_blanks(records)
    odd = blank | _untimed(records) | np.array([_is_poor(verdict) for verdict in judged], bool)
    if requests[0].encoding is Encoding.JSON:
        odd |= [spelling.looks_misspelt(one.body, one.signal) for one in requests]
    again: list[Taken | Permanent] = list(judged)
    blanks = _blanks_of(records) if blank.any() else _Blanks.NONE
    for number in np.flatnonzero(odd).tolist():
        its_blanks = blanks if blank[number] else _Blanks.NONE
        again[number] = _judge(requests[number], judged[number], its_blanks)
    return again


def _judge(request: Request, verdict: Taken, blanks: _Blanks) -> Taken | Permanent:
    words = [verdict.message, *_warnings(request, verdict, blanks)]
    taken = Taken(verdict.records, verdict.rejected, " ".join(filter(None, words)))
    if request.encoding is Encoding.JSON and verdict.records + verdict.rejected:
        # It has the signal's own keys; those of another beside them are unknown fields.
        return taken
    return wrong_signal(request) or taken


def _warnings(request: Request, verdict: Taken, blanks: _Blanks) -> Iterator[str]:
    if request.encoding is Encoding.JSON:
        misspelt = spelling.snake_case_keys(request.body)
        nothing = not verdict.records + verdict.rejected
        if misspelt:
            yield _misspelt_words(misspelt, nothing=nothing)
        elif nothing and (unknown := spelling.unknown_keys(request.body)):
            yield _unknown_words(unknown, request.signal)
        if spelling.has_base64_ids(request.body):
            yield _BASE64_IDS
    if blanks is not _Blanks.NONE and _has_string_indices(request, blanks):
        yield _STRING_INDICES


def _has_string_indices(request: Request, blanks: _Blanks) -> bool:
    if request.encoding is Encoding.JSON:
        return spelling.has_string_indices(request.body)
    if len(request.body) > _MOST_SEARCHED_BYTES:
        return False
    return has_string_indices(request.signal, request.body, of_keys=blanks is _Blanks.KEYS)


def _misspelt_words(misspelt: Mapping[str, str], *, nothing: bool) -> str:
    keys = ", ".join(f"`{snake}` (write `{camel}`)" for snake, camel in misspelt.items())
    lost = "Nothing was taken from the body: keys" if nothing else "Keys"
    return f"{lost} in snake_case are unknown to OTLP/JSON and were ignored: {keys}."


def _unknown_words(unknown: Sequence[str], signal: Signal) -> str:
    keys = ", ".join(f"`{key}`" for key in unknown[:_MOST_NAMED])
    return (
        f"Nothing was taken from the body: it holds no {signal} as OTLP/JSON writes them, and "
        f"keys that are unknown there: {keys}."
    )


def _is_poor(verdict: Taken) -> bool:
    return not verdict.records or bool(verdict.rejected)


def _untimed(records: Records) -> Mask:
    """Mark requests with items that do not say when they were, as those of another signal do.

    A span sent as a log record has neither of its times, a metric as a span no start.
    """
    names = {
        Signal.LOGS: ("time_unix_nano", "observed_time_unix_nano"),
        Signal.TRACES: ("start_time_unix_nano",),
        Signal.METRICS: ("time_unix_nano",),
    }
    told = [records.items.column(name).to_numpy() for name in names[records.signal]]
    return _requests_of(records, np.max(told, axis=0) == 0)


def _with_blanks(records: Records) -> Mask:
    """Mark requests with attributes that lack a key or a value, as those by index do."""
    items, resources = records.items.num_rows, records.resources
    mine = _owners_of_blanks(records.attributes, items)
    theirs = _owners_of_blanks(records.resource_attributes, resources)
    if theirs.any():
        mine |= theirs[records.items.column("resource").to_numpy()]
    events = _owners_of_blanks(records.span_event_attributes, records.span_events.num_rows)
    if events.any():
        mine[records.span_events.column("span").to_numpy()[events]] = True
    return _requests_of(records, mine)


def _blanks_of(records: Records) -> _Blanks:
    """Tell whether some attribute of the requests lacks its key, or only values are lacking."""
    told = (records.attributes, records.resource_attributes, records.span_event_attributes)
    unnamed = (pc.is_in(each.pairs.column(0), value_set=_NO_KEY).true_count for each in told)
    return _Blanks.KEYS if any(unnamed) else _Blanks.VALUES


def _owners_of_blanks(attributes: Attributes, owners: int) -> Mask:
    marked = np.zeros(owners, dtype=bool)
    blank = _blank(attributes.pairs)
    if blank is not None:
        marked[attributes.owner[blank[attributes.pair]]] = True
    return marked


def _blank(pairs: pa.RecordBatch) -> Mask | None:
    """Mark the pairs without key or value; None if there are none, as nearly always."""
    key, *values = pairs.columns
    told = sum(len(column) - column.null_count for column in values)
    if told == len(key) and not any(pc.equal(key, unnamed).true_count for unnamed in _NO_KEY):
        return None
    empty = np.all([column.is_null().to_numpy(zero_copy_only=False) for column in values], axis=0)
    unnamed = pc.is_in(key, value_set=_NO_KEY).to_numpy(zero_copy_only=False)
    blank: Mask = empty | unnamed
    return blank


def _requests_of(records: Records, items: Mask) -> Mask:
    marked = np.zeros(records.requests, dtype=bool)
    if items.any():
        marked[records.items.column("request").to_numpy()[items]] = True
    return marked
