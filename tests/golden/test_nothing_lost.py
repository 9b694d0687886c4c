"""Look for every attribute of every captured record in the event it became."""

import json
from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal
from agentpond.receiver.wire.decode import decode

from ..receiver.wire.reference import flattened
from .captures import Capture, captures
from .rows import Row, events

# What goes into a column in another form, and where.
_CHANGED = {
    "event.timestamp": "time",
    "event.name": "event_name",
    "input_token_count": "input_tokens",
    "gen_ai.usage.input_tokens": "input_tokens",
    "codex.turn.token_usage.input_tokens": "input_tokens",
    "cost_usd_micros": "reported_cost_usd",
    "decision": "decision",
    "source": "decision_source",
    "tool_name": "tool_name",
}
_UNTOLD = {"", "<REDACTED>", "[REDACTED]"}


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("capture", captures("*/*/grpc", "*/*/http-protobuf"), ids=lambda c: c.name)
def test_every_attribute_is_in_a_column_or_in_attributes(capture: Capture, signal: Signal) -> None:
    records = flattened(decode(signal, capture.encoding, capture.bodies(signal)))

    rows = events(capture, signal)

    lost = [
        (row["event_name"], key, told)
        for record, row in zip(records, rows, strict=True)
        for key, told in record["attributes"].items()
        if not _is_kept(key, told, row)
    ]
    assert lost == []


def _is_kept(key: str, told: Any, row: Row) -> bool:
    if told is None or told[1] in _UNTOLD or key in row["attributes"]:
        return True
    if key in _CHANGED and row[_CHANGED[key]] is not None:
        return True
    return any(_same(told[1], value) for value in row.values() if value is not None)


def _same(told: Any, value: Any) -> bool:
    """Compare as text, or as numbers and flags whatever type they came in."""
    if str(told) == str(value):
        return True
    if isinstance(value, dict | list) or not isinstance(told, str | int | float):
        return False
    try:
        return bool(json.loads(str(told)) == value)
    except ValueError:
        return False
