"""What the console exporter writes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from agentpond.exporters.console import Config, ConsoleExporter, factory
from agentpond.pipeline.core.batch import Delivery
from agentpond.pipeline.core.errors import Retryable

from .support import deliver, event, make_settings


def written(delivery: Delivery, **config: Any) -> list[str]:
    stream = io.StringIO()
    console = ConsoleExporter(Config(**config), make_settings(Path()), stream)
    console.start()
    console.export(delivery)
    console.stop()
    return stream.getvalue().splitlines()


def test_a_delivery_is_one_line_of_counts() -> None:
    kinds = ("tool_result", "api_request", None, "api_request")

    lines = written(deliver(7, [event(n, event_type=kind) for n, kind in enumerate(kinds)]))

    assert lines == ["agents [7, 8): 4 events: 2 api_request, 1 untyped, 1 tool_result"]


def test_a_delivery_without_events_says_so() -> None:
    lines = written(deliver(7))

    assert lines == ["agents [7, 8): 0 events"]


def test_rows_are_lines_of_json_without_what_is_not_told() -> None:
    rows = [event(1, agent="codex", attributes=[("a", "1")])]

    lines = written(deliver(0, rows), verbosity="rows")

    assert json.loads(lines[1]) == {
        "table": "events",
        "event_id": "00000000000000000000000000000001",
        "signal": "logs",
        "agent": "codex",
        "received_at": "2026-11-20 12:00:00",
        "attributes": {"a": "1"},
    }


def test_rows_beyond_the_limit_are_counted() -> None:
    lines = written(deliver(0, [event(n) for n in range(5)]), verbosity="rows", max_rows=2)

    assert (len(lines), json.loads(lines[3])) == (4, {"table": "events", "rows_not_shown": 3})


def test_it_writes_to_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    console = factory.build(Config(), make_settings(Path()))

    console.export(deliver(0, [event(1, event_type="hook")]))

    assert capsys.readouterr().out == "agents [0, 1): 1 events: 1 hook\n"


def test_a_closed_stream_is_retryable() -> None:
    stream = io.StringIO()
    stream.close()
    console = ConsoleExporter(Config(), make_settings(Path()), stream)

    with pytest.raises(Retryable) as caught:
        console.export(deliver(0, [event(1)]))

    assert caught.value.reason == "console_closed"
