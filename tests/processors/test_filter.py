"""Check which events conditions keep, which they drop, and how that is counted."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.pipeline.core.batch import Batch, Dropped
from agentpond.pipeline.core.schema import SPAN_EVENTS
from agentpond.pipeline.processors.filter import Config, Filter, factory
from agentpond.pipeline.testing import batch, check_processor, events

ROWS = events(
    4,
    sequence=[1, 2, 3, 4],
    event_type=["api_request", "tool_result", "metric", None],
    success=[True, False, None, None],
    duration_ms=[1.5, 20.0, None, 300.0],
    time=[datetime(2026, 11, day) for day in (1, 2, 3, 4)],  # noqa: DTZ001 - UTC without a zone
    attributes=[{"size": "10", "plugin": "a"}, {"size": "-2.5e1"}, {"size": "big"}, None],
)

ABSENT = {"column": "agent", "op": "present"}


def run(rows: Batch = ROWS, **options: Any) -> tuple[list[int], dict[str, int]]:
    out = list(Filter(Config.model_validate(options)).process(rows))
    kept = [each for each in out if isinstance(each, Batch)]
    sequences = [number for each in kept for number in each.records.column("sequence").to_pylist()]
    return sequences, {each.reason: each.rows for each in out if isinstance(each, Dropped)}


@pytest.mark.parametrize(
    ("condition", "fulfil"),
    [
        ({"column": "event_type", "value": "metric"}, [3]),
        ({"column": "event_type", "op": "in", "value": ["metric", "api_request"]}, [1, 3]),
        ({"column": "event_type", "op": "matches", "value": "^(api|tool)_"}, [1, 2]),
        ({"column": "event_type", "op": "present"}, [1, 2, 3]),
        ({"column": "event_type", "op": "absent"}, [4]),
        ({"column": "success", "value": False}, [2]),
        ({"column": "sequence", "op": "greater", "value": 2}, [3, 4]),
        ({"column": "duration_ms", "op": "less", "value": 20.5}, [1, 2]),
        ({"column": "time", "op": "greater", "value": "2026-11-02T12:00:00Z"}, [3, 4]),
        ({"column": "time", "op": "less", "value": "2026-11-02"}, [1]),
        ({"attribute": "plugin", "value": "a"}, [1]),
        ({"attribute": "size", "value": 10}, [1]),
        ({"attribute": "size", "op": "greater", "value": 5}, [1]),
        ({"attribute": "size", "op": "less", "value": 5}, [2]),
        ({"attribute": "size", "op": "matches", "value": "^b"}, [3]),
        ({"attribute": "size", "op": "absent"}, [4]),
    ],
)
def test_only_what_fulfils_a_condition_is_included(
    condition: dict[str, Any], fulfil: list[int]
) -> None:
    kept, dropped = run(include=[condition])

    assert (kept, dropped) == (fulfil, {"filter": 4 - len(fulfil)})


def test_what_fulfils_one_of_several_conditions_is_included() -> None:
    kept, _ = run(
        include=[{"column": "sequence", "value": 1}, {"column": "sequence", "value": 3}],
    )

    assert kept == [1, 3]


def test_excluded_events_are_counted_under_the_name_of_the_first_condition() -> None:
    points = {"name": "points", "column": "event_type", "value": "metric"}
    late = {"name": "late", "column": "sequence", "op": "greater", "value": 2}

    kept, dropped = run(exclude=[points, late])

    assert (kept, dropped) == ([1, 2], {"points": 1, "late": 1})


def test_exclusion_wins_over_inclusion() -> None:
    kept, dropped = run(
        include=[{"column": "sequence", "op": "less", "value": 3}],
        exclude=[{"column": "sequence", "value": 1}],
    )

    assert (kept, dropped) == ([2], {"filter": 3})


def test_without_conditions_everything_passes() -> None:
    kept, dropped = run()

    assert (kept, dropped) == ([1, 2, 3, 4], {})


def test_other_tables_pass() -> None:
    rows = batch(SPAN_EVENTS, 2)

    (out,) = Filter(Config.model_validate({"include": [ABSENT]})).process(rows)

    assert out is rows


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"column": "no_such", "value": 1}, "no column 'no_such'. Known: event_id, "),
        ({"column": "agnt", "value": 1}, "no column 'agnt'. Did you mean `agent`?"),
        ({"column": "agent", "op": "matches", "value": "(a"}, r"missing \): \(a"),
        ({"value": 1}, "either"),
        ({"column": "agent", "attribute": "a", "value": "x"}, "either"),
        ({"column": "agent"}, "takes one"),
        ({"column": "agent", "op": "in", "value": "x"}, "takes a list"),
        ({"column": "agent", "op": "present", "value": "x"}, "takes no"),
        ({"column": "agent", "op": "greater", "value": "x"}, "needs a number"),
        ({"column": "sequence", "op": "matches", "value": "x"}, "needs a text"),
        ({"column": "agent", "op": "matches", "value": "(?=x)"}, "RE2"),
        ({"column": "sequence", "value": "many"}, "cannot be compared"),
        ({"column": "success", "value": 1}, "cannot be compared"),
        ({"column": "time", "op": "less", "value": "soon"}, "cannot be compared"),
        ({"column": "agent", "op": "like", "value": "x"}, "present"),
    ],
)
def test_a_wrong_condition_is_refused(condition: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config.model_validate({"include": [condition]})


@pytest.mark.parametrize(
    "config",
    [
        {"include": [{"column": "event_type", "op": "present"}]},
        {"exclude": [{"attribute": "size", "op": "greater", "value": 0, "name": "big"}]},
    ],
)
def test_filter_keeps_the_contract(config: dict[str, Any]) -> None:
    check_processor(factory, config, batches=[ROWS])
