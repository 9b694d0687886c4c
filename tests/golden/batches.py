"""Turn captures into the batches of events that processors see."""

import pyarrow as pa

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.core.signal import Signal
from agentpond.receiver.codec import OtlpCodec

from .captures import Capture

_NOTHING = pa.RecordBatch.from_pylist([], schema=EVENTS.schema)


def batch_of(capture: Capture, *signals: Signal) -> Batch:
    """Give the events of a capture, of some signals or of all."""
    codec = OtlpCodec()
    requests = capture.requests(*signals)
    _, decoded = codec.decode(requests)
    received = [request.received_at_ns for request in requests]
    batches = codec.normalize([Placed(decoded, range(len(requests)), received)])
    records = [batch.records for batch in batches if batch.table.name == EVENTS.name]
    return Batch(EVENTS, pa.concat_batches([*records, _NOTHING]))
