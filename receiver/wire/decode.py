"""Decode request bodies of one signal and encoding into records, in as few calls as possible."""

from collections.abc import Sequence

from ...pipeline.core.signal import Encoding, Signal
from .envelope import read_envelope
from .json import decode_json
from .logs import read_logs
from .metrics import read_metrics
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
        return _READ[signal](read_envelope(signal, len(bodies), *decode_json(signal, bodies)))
    return _READ[signal](read_envelope(signal, len(bodies), *decode_protobuf(signal, bodies)))
