"""Compare our decoders with the official classes on what real agents sent."""

import pytest

from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode

from ...golden.captures import Capture, captures
from .otlp_json import from_json
from .reference import OFFICIAL, expected, flattened

# The official JSON reader takes a second for one megabyte; larger bodies are of the same kind.
_SLOW_BYTES = 300_000


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("capture", captures("*/*/grpc", "*/*/http-protobuf"), ids=lambda c: c.name)
def test_protobuf_captures_decode_as_the_official_classes_say(
    capture: Capture, signal: Signal
) -> None:
    bodies = capture.bodies(signal)

    records = decode(signal, Encoding.PROTOBUF, bodies)

    official = [OFFICIAL[signal].FromString(body) for body in bodies]
    assert flattened(records) == expected(signal, official)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("capture", captures("*/*/http-json"), ids=lambda c: c.name)
def test_json_captures_decode_as_the_official_classes_say(capture: Capture, signal: Signal) -> None:
    bodies = [body for body in capture.bodies(signal) if len(body) < _SLOW_BYTES]

    records = decode(signal, Encoding.JSON, bodies)

    official = [from_json(signal, body) for body in bodies]
    assert flattened(records) == expected(signal, official)
