"""Read log records.

Fields of ``items``: time_unix_nano, observed_time_unix_nano (uint64), severity_number,
severity_text, event_name, body (text; JSON where it is not a string), trace_id, span_id (hex).
"""

from .envelope import Envelope, check_items, read_attributes, read_text, to_records
from .records import Records


def read_logs(envelope: Envelope) -> Records:
    """Turn the log records of an envelope into columns."""
    check_items(envelope, envelope.scope_of)
    logs = envelope.messages
    columns = {
        "time_unix_nano": logs.column("time_unix_nano"),
        "observed_time_unix_nano": logs.column("observed_time_unix_nano"),
        "severity_number": logs.column("severity_number"),
        "severity_text": logs.column("severity_text"),
        "event_name": logs.column("event_name"),
        "body": read_text(logs, "body", level=3),
        "trace_id": logs.hex_id("trace_id", 16),
        "span_id": logs.hex_id("span_id", 8),
    }
    return to_records(envelope, envelope.scope_of, columns, read_attributes(logs, level=3))
