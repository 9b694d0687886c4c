"""Decode request bodies of one signal and encoding into records, in as few calls as possible."""

from collections.abc import Sequence

import numpy as np

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Encoding, Signal
from .envelope import read_envelope
from .json import decode_json
from .logs import read_logs
from .metrics import read_metrics
from .official import ToldTwice, rewrite
from .protobuf import decode_protobuf
from .records import Records
from .spans import read_spans

_READ = {Signal.LOGS: read_logs, Signal.METRICS: read_metrics, Signal.TRACES: read_spans}


def decode(signal: Signal, encoding: Encoding, bodies: Sequence[bytes]) -> Records:
    """Decode bodies together; ``items.request`` is the index of the body.

    Raises:
        Permanent: at least one body does not decode; alone, each of the others does.

    """
    if encoding is Encoding.JSON:
        return _decode_json(signal, bodies)
    try:
        records = _decode_protobuf(signal, bodies)
    except ToldTwice:
        records = _decode_protobuf(signal, [rewrite(signal, body) for body in bodies])
    _check_empty(signal, bodies, records)
    return records


def _decode_json(signal: Signal, bodies: Sequence[bytes]) -> Records:
    try:
        return _READ[signal](read_envelope(signal, len(bodies), *decode_json(signal, bodies)))
    except ToldTwice as error:
        raise Permanent(
            "the JSON body tells one value as two kinds. Tell each attribute, metric and data "
            "point as one: `stringValue` or `intValue`, `sum` or `gauge`, `asInt` or `asDouble`.",
            reason="invalid_json",
        ) from error


def _decode_protobuf(signal: Signal, bodies: Sequence[bytes]) -> Records:
    return _READ[signal](read_envelope(signal, len(bodies), *decode_protobuf(signal, bodies)))


def _check_empty(signal: Signal, bodies: Sequence[bytes], records: Records) -> None:
    """Check bodies without records with the official classes.

    ptars skips what has no meaning to it, so that random bytes can pass for an empty request.
    """
    told = np.bincount(records.items.column("request").to_numpy(), minlength=len(bodies))
    for request in np.flatnonzero(told == 0).tolist():
        rewrite(signal, bodies[request])
