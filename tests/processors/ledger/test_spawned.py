"""Check that the calls of a sub-agent are told by its kind, whatever signals were sent."""

from typing import Any

import pytest

from .made import NO_USAGE, Row, calls_of, log, span


def tool(span_id: str, parent: str, kind: str = "tool", **columns: Any) -> Row:
    where: Row = {"span_id": span_id, "parent_span_id": parent}
    return span(event_type=kind, **where, **NO_USAGE, **columns)


SPAWNED = [tool("a1", "t1", subagent="Explore"), tool("a2", "a1", "tool_execution")]


def call(number: int, parent: str | None, subagent_id: str | None = "id-1", **columns: Any) -> Row:
    who: Row = {"parent_span_id": parent, "subagent_id": subagent_id}
    return span(number, number, request_id=f"req_{number}", **who | columns)


def test_a_call_below_the_run_of_a_tool_is_of_the_sub_agent_that_was_called() -> None:
    rows = calls_of(*SPAWNED, call(1, "a2"))

    assert [row["subagent"] for row in rows] == ["Explore"]


def test_calls_with_the_id_of_a_known_sub_agent_are_of_its_kind() -> None:
    rows = calls_of(*SPAWNED, call(1, "a2"), call(2, "elsewhere"))

    assert [row["subagent"] for row in rows] == ["Explore", "Explore"]


def test_a_kind_that_a_log_record_tells_is_believed() -> None:
    rows = calls_of(*SPAWNED, call(1, "a2"), log(request_id="req_1", subagent="general-purpose"))

    assert [row["subagent"] for row in rows] == ["general-purpose"]


@pytest.mark.parametrize(
    "other",
    [
        call(1, "t1", None),
        call(1, "a2", session_id="other"),
        call(1, "a9"),
        call(1, None),
    ],
)
def test_calls_elsewhere_are_of_no_sub_agent_that_is_known(other: Row) -> None:
    rows = calls_of(*SPAWNED, other)

    assert [row["subagent"] for row in rows] == [None]
