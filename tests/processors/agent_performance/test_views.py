"""Hold the view over all sessions against the table: of a single row both tell the same."""

from itertools import product
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from agentpond.pipeline.core.found import AGENT_PERFORMANCE
from agentpond.pipeline.core.views import performance_over

from .given import Made, Row, call, performance, point, tables, tool, turn

SHARES = ("tool_success_rate", "error_rate", "rejected_share", "cost_per_turn_usd", "cost_coverage")
CALLS = {"none": (), "called": (call(), call(success=False)), "metered": (point(),)}
TOOLS = {"none": (), "used": (tool(), tool(success=False), tool(tool_name="Edit"))}
TURNS = {"none": (), "begun": (turn(),)}


@pytest.mark.parametrize("unmade", [(), ("api_calls",), ("tool_calls",), ("turns",)])
@pytest.mark.parametrize(("calls", "tools", "turns"), list(product(CALLS, TOOLS, TURNS)))
def test_the_view_tells_of_a_single_row_what_the_table_tells(
    calls: str, tools: str, turns: str, unmade: tuple[str, ...]
) -> None:
    made = tables(CALLS[calls], TOOLS[tools], TURNS[turns])
    given = {name: rows.slice(0, 0) if name in unmade else rows for name, rows in made.items()}
    rows = performance(made, unmade={name: ["s"] for name in unmade})

    assert over_all(rows, given) == [tuple(row[name] for name in SHARES) for row in rows]


def over_all(rows: list[Row], made: Made) -> list[tuple[Any, ...]]:
    """Give the shares in the view over some rows of the table."""
    with duckdb.connect() as db:
        db.register("agent_performance", pa.Table.from_pylist(rows, AGENT_PERFORMANCE.schema))
        ledger = made["api_calls"].select(["session_id", "model", "cost_usd", "cost_status"])
        db.register("api_calls", ledger)
        view = db.sql(performance_over("agent_performance", "agent, provider, model"))
        return view.project(", ".join(SHARES)).fetchall()
