"""Whatever numbers events tell, the processors of sessions make rows of them that add up."""

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.schema import EVENTS
from agentpond.pipeline.processors import ledger, sessions, tool_calls, turns
from agentpond.pipeline.testing import builders
from agentpond.pipeline.testing.sessions import run_sessions

KINDS = [
    ("claude_code", "logs", "api_request", "claude_code.api_request"),
    ("claude_code", "logs", "api_error", "claude_code.api_error"),
    ("claude_code", "logs", "tool_result", "claude_code.tool_result"),
    ("claude_code", "logs", "user_prompt", "claude_code.user_prompt"),
    ("claude_code", "traces", "llm_request", "claude_code.llm_request"),
    ("claude_code", "traces", "turn", "claude_code.interaction"),
    ("claude_code", "metrics", "metric", "claude_code.token.usage"),
    ("claude_code", "metrics", "metric", "claude_code.cost.usage"),
    ("claude_code", "metrics", "metric", "claude_code.active_time.total"),
    ("claude_code", "metrics", "metric", "claude_code.lines_of_code.count"),
    ("codex", "logs", "api_request", "codex.sse_event"),
    ("codex", "logs", "tool_result", "codex.tool_result"),
    ("codex", "logs", "turn_cost", "codex.turn_cost"),
    ("codex", "traces", "turn", "session_task.turn"),
    ("codex", "traces", "llm_request", "handle_responses"),
    ("codex", "traces", "llm_stream", "stream_request"),
    ("codex", "metrics", "metric", "codex.turn.token_usage"),
]
REALS = [0.5, 0.0, -3.0, math.nan, math.inf, -math.inf, 1e308, -1e308, None]
WHOLES = [3, 0, -1, -(2**62), 2**48, 2**53 + 1, 2**62, 2**63 - 1, None]
SMALLS = [1, 0, -1, 2**31 - 1, None]


def values_of(kind: pa.DataType) -> list[Any]:
    if pa.types.is_floating(kind):
        return REALS
    return SMALLS if kind == pa.int32() else WHOLES


NUMBERS = {
    field.name: st.sampled_from(values_of(field.type))
    for field in EVENTS.schema
    if pa.types.is_floating(field.type) or pa.types.is_signed_integer(field.type)
}
ROWS = st.fixed_dictionaries(
    NUMBERS
    | {
        "kind": st.sampled_from(KINDS),
        "session_id": st.sampled_from(["a", "a", None]),
        "request_id": st.sampled_from(["r", "q", None]),
        "turn_id": st.sampled_from(["t", None]),
        "tool_call_id": st.sampled_from(["u", None]),
        "trace_id": st.sampled_from(["x", None]),
        "temporality": st.sampled_from(["delta", "cumulative"]),
        "model": st.sampled_from(["claude-sonnet-4-5-20250929", "gpt-5.2-codex", None]),
        "attributes": st.sampled_from([{"type": "input", "token_type": "output"}, {}]),
    }
)


@settings(deadline=None, max_examples=30)
@given(st.lists(ROWS, min_size=1, max_size=12))
def test_no_number_makes_a_processor_fail_or_a_sum_that_is_none(rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "kind"}
    names = ("agent", "signal", "event_type", "event_name")
    kinds = (list(words) for words in zip(*(row["kind"] for row in rows), strict=True))
    events = builders.events(len(rows), **columns, **dict(zip(names, kinds, strict=True)))
    processors = [
        each.factory.build(each.Config(), builders.settings())
        for each in (ledger, tool_calls, turns, sessions)
    ]

    made = run_sessions(processors, events)

    assert [wrong(table) for table in made.values()] == [[], [], [], []]


def wrong(rows: pa.Table) -> list[str]:
    """Name the columns with numbers that are not finite, and counts of tokens below nought."""
    real = [f.name for f in rows.schema if pa.types.is_floating(f.type)]
    tokens = [name for name in rows.schema.names if name.endswith("tokens")]
    return [name for name in real if not pc.all(pc.is_finite(rows[name]), min_count=0).as_py()] + [
        name for name in tokens if not pc.all(pc.greater_equal(rows[name], 0), min_count=0).as_py()
    ]
