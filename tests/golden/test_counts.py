"""Count what captured requests become: no record lost, every token where it belongs."""

from collections import Counter
from typing import Any

import pytest

from agentpond.pipeline.core.signal import Signal

from ..receiver.wire.otlp_json import from_json
from ..receiver.wire.reference import OFFICIAL
from .captures import Capture, captures
from .rows import Row, events

# Where the program's own count is not what it sent (reference of Claude Code, section 10), where
# there is no log to count, or where it was killed before it could say.
_UNCOUNTED = {"gateway-usage-frames", "metrics-only", "metrics_only", "killed-sigkill"}
_ITEMS = {
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
}
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_USAGE = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("capture", captures("*/*/grpc", "*/*/http-protobuf"), ids=lambda c: c.name)
def test_every_record_becomes_one_event(capture: Capture, signal: Signal) -> None:
    messages = [OFFICIAL[signal].FromString(body) for body in capture.bodies(signal)]

    rows = events(capture, signal)

    assert len(rows) == sum(_count(signal, message) for message in messages)


@pytest.mark.parametrize("capture", captures("claude_code/*/http-json"), ids=lambda c: c.name)
def test_every_json_record_becomes_one_event(capture: Capture) -> None:
    messages = [from_json(Signal.LOGS, body) for body in capture.bodies(Signal.LOGS)]

    rows = events(capture, Signal.LOGS)

    assert len(rows) == sum(_count(Signal.LOGS, message) for message in messages)


@pytest.mark.parametrize("capture", captures("codex/*/*"), ids=lambda c: c.name)
def test_codex_records_are_as_many_as_were_sent(capture: Capture) -> None:
    rows = Counter(row["signal"] for row in events(capture))

    expected = capture.facts["expected"]
    assert [rows["logs"], rows["traces"], rows["metrics"]] == [
        expected["log_records"],
        expected["spans"],
        expected["metric_points"],
    ]


@pytest.mark.parametrize(
    "capture",
    [c for c in captures("claude_code/*/*") if c.scenario not in _UNCOUNTED],
    ids=lambda c: c.name,
)
def test_claude_code_tokens_by_model_are_those_the_program_printed(capture: Capture) -> None:
    rows = events(capture, Signal.LOGS)

    assert _by_model(rows) == _printed(capture)


@pytest.mark.parametrize(
    "capture",
    [c for c in captures("codex/*/*") if c.scenario not in _UNCOUNTED],
    ids=lambda c: c.name,
)
def test_codex_tokens_are_those_it_logged(capture: Capture) -> None:
    calls = _calls(events(capture, Signal.LOGS))

    told = capture.facts["expected"]["tokens_logs"]
    assert {
        name: sum(call[name] or 0 for call in calls) for name in (*_TOKENS, "reasoning_tokens")
    } == {
        "input_tokens": told["input"] - told["cached_input"] - told["cache_write_input"],
        "output_tokens": told["output"],
        "cache_read_tokens": told["cached_input"],
        "cache_write_tokens": told["cache_write_input"],
        "reasoning_tokens": told["reasoning_output"],
    }


@pytest.mark.parametrize("capture", captures("*/*/*"), ids=lambda c: c.name)
def test_every_event_has_an_id_of_its_own(capture: Capture) -> None:
    rows = events(capture)

    assert len({row["event_id"] for row in rows}) == len(rows)


def _count(signal: Signal, message: Any) -> int:
    envelopes, scopes, items = _ITEMS[signal]
    return sum(
        _points(item) if signal is Signal.METRICS else 1
        for envelope in getattr(message, envelopes)
        for scope in getattr(envelope, scopes)
        for item in getattr(scope, items)
    )


def _points(metric: Any) -> int:
    return len(getattr(metric, metric.WhichOneof("data")).data_points)


def _calls(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["event_type"] == "api_request"]


def _by_model(rows: list[Row]) -> dict[str, list[int]]:
    sums: dict[str, list[int]] = {}
    for call in _calls(rows):
        so_far = sums.get(call["model"], [0] * len(_TOKENS))
        sums[call["model"]] = [one + call[name] for one, name in zip(so_far, _TOKENS, strict=True)]
    return sums


def _printed(capture: Capture) -> dict[str, list[int]]:
    sums: dict[str, list[int]] = {}
    for run in capture.facts["runs"]:
        for model, usage in run["modelUsage"].items():
            so_far = sums.get(model, [0] * len(_USAGE))
            sums[model] = [one + usage[name] for one, name in zip(so_far, _USAGE, strict=True)]
    return sums
