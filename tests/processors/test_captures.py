"""Check what real agents send against what is called secret and what is called noise."""

from collections import Counter
from collections.abc import Sequence

import pytest

from agentpond.pipeline.core.batch import Batch
from agentpond.pipeline.core.component import Placed
from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.processors.noise import Config as NoiseConfig
from agentpond.pipeline.processors.noise import DropNoise
from agentpond.pipeline.processors.redact import Config as RedactConfig
from agentpond.pipeline.processors.redact import Redact
from agentpond.receiver.codec import OtlpCodec

from ..golden.captures import Capture, captures

SEEN = captures("*/*/grpc")


def batches(capture: Capture) -> Sequence[Batch]:
    codec = OtlpCodec()
    requests = capture.requests()
    _, decoded = codec.decode(requests)
    received = [request.received_at_ns for request in requests]
    return codec.normalize([Placed(decoded, range(len(requests)), received)])


def quiet(capture: Capture) -> Sequence[Batch]:
    events = [each for each in batches(capture) if each.table.name == EVENTS.name]
    out = [each for rows in events for each in DropNoise(NoiseConfig()).process(rows)]
    return [each for each in out if isinstance(each, Batch)]


@pytest.mark.parametrize("capture", SEEN, ids=lambda capture: capture.name)
def test_nothing_is_masked_that_is_no_secret(capture: Capture) -> None:
    told = batches(capture)

    out = [each for rows in told for each in Redact(RedactConfig(), b"key").process(rows)]

    assert [isinstance(each, Batch) and each.records for each in out] == [
        rows.records for rows in told
    ]


def test_a_simple_turn_of_codex_is_82_rows_without_noise() -> None:
    (capture,) = captures("codex/simple_chat/grpc")

    left = quiet(capture)

    signals = Counter(name for each in left for name in each.records.column("signal").to_pylist())
    assert signals == {"logs": 5, "traces": 26, "metrics": 51}


@pytest.mark.parametrize("capture", captures("codex/*/grpc"), ids=lambda capture: capture.name)
def test_calls_tools_and_turns_are_never_noise(capture: Capture) -> None:
    kinds = ("api_request", "api_error", "llm_request", "tool", "tool_execution", "tool_result")
    wanted = {*kinds, "tool_decision", "turn", "turn_cost", "user_prompt", "compaction"}
    told = [each for each in batches(capture) if each.table.name == EVENTS.name]

    left = quiet(capture)

    before, after = (
        Counter(kind for each in rows for kind in each.records.column("event_type").to_pylist())
        for rows in (told, left)
    )
    assert {kind: after[kind] for kind in wanted} == {kind: before[kind] for kind in wanted}
