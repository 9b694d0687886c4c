"""Compare our decoders with the official classes on messages made at random."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.receiver.wire.decode import decode
from agentpond.receiver.wire.records import Records, concat_records

from .generated import REQUESTS
from .otlp_json import Writing, to_json
from .reference import expected, flattened

# Explaining a failure takes a minute with messages of this size.
MODERATE = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)

WRITINGS = st.builds(
    Writing,
    wide_as_text=st.booleans(),
    untold_as_null=st.booleans(),
    upper_case_ids=st.booleans(),
    unknown_keys=st.booleans(),
    indent=st.sampled_from([None, 2]),
)


@pytest.mark.parametrize("signal", Signal)
@MODERATE
@given(data=st.data())
def test_protobuf_decodes_as_the_official_classes_say(signal: Signal, data: Any) -> None:
    messages = data.draw(st.lists(REQUESTS[signal], max_size=3))

    records = decode(signal, Encoding.PROTOBUF, [m.SerializeToString() for m in messages])

    assert flattened(records) == expected(signal, messages)


@pytest.mark.parametrize("signal", Signal)
@MODERATE
@given(data=st.data(), writing=WRITINGS)
def test_json_decodes_as_the_official_classes_say(
    signal: Signal, data: Any, writing: Writing
) -> None:
    messages = data.draw(st.lists(REQUESTS[signal], max_size=3))

    records = decode(signal, Encoding.JSON, [to_json(m, writing) for m in messages])

    assert flattened(records) == expected(signal, messages)


@pytest.mark.parametrize("signal", Signal)
@MODERATE
@given(data=st.data(), writing=WRITINGS)
def test_both_encodings_give_columns_of_the_same_types(
    signal: Signal, data: Any, writing: Writing
) -> None:
    message = data.draw(REQUESTS[signal])

    protobuf = decode(signal, Encoding.PROTOBUF, [message.SerializeToString()])
    json = decode(signal, Encoding.JSON, [to_json(message, writing)])

    assert _schemas(protobuf) == _schemas(json)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("encoding", Encoding)
@MODERATE
@given(data=st.data())
def test_bodies_decode_alone_as_they_do_together(
    signal: Signal, encoding: Encoding, data: Any
) -> None:
    messages = data.draw(st.lists(REQUESTS[signal], min_size=1, max_size=3))
    write = _to_json if encoding is Encoding.JSON else _to_protobuf
    bodies = [write(message) for message in messages]

    together = decode(signal, encoding, bodies)

    alone = concat_records([decode(signal, encoding, [body]) for body in bodies])
    by_request = sorted(flattened(together), key=lambda row: int(row["request"]))
    assert by_request == sorted(flattened(alone), key=lambda row: int(row["request"]))


def _to_json(message: Any) -> bytes:
    return to_json(message, Writing())


def _to_protobuf(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    return body


def _schemas(records: Records) -> list[pa.Schema]:
    return [
        records.items.schema,
        records.scopes.schema,
        records.span_events.schema,
        records.attributes.pairs.schema,
    ]
