"""Decode request bodies of one signal and encoding into records, in as few calls as possible."""

from collections.abc import Sequence

from ...pipeline.core.errors import Permanent
from ...pipeline.core.signal import Encoding, Signal
from .density import check_density
from .envelope import read_envelope
from .json import decode_json
from .logs import read_logs
from .metrics import read_metrics
from .official import ToldTwice, check_valid, rewrite
from .protobuf import NotDecoded, decode_protobuf
from .records import Records
from .spans import read_spans

_READ = {Signal.LOGS: read_logs, Signal.METRICS: read_metrics, Signal.TRACES: read_spans}


def decode(signal: Signal, encoding: Encoding, bodies: Sequence[bytes]) -> Records:
    """Decode bodies together; ``items.request`` is the index of the body.

    Raises:
        Permanent: at least one body does not decode; alone, each of the others does.

    """
    for body in bodies:
        check_density(body, encoding)
    if encoding is Encoding.JSON:
        return _decode_json(signal, bodies)
    for body in bodies:
        check_valid(signal, body)
    try:
        return _decode_protobuf(signal, bodies)
    except (ToldTwice, NotDecoded):
        return _decode_protobuf(signal, [rewrite(signal, body) for body in bodies])


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
