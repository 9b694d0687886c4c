"""The built-in default is a configuration like any other."""

from pathlib import Path

from agentpond.config.build import build, default_plan, plan
from agentpond.config.builtin import registry
from agentpond.config.default import default_text
from agentpond.config.describe import pages
from agentpond.pipeline.core.component import Kind


def test_the_default_runs_all_but_what_chooses_and_changes_into_duckdb() -> None:
    pipelines = default_plan().pipelines

    assert {name: each.model_dump() for name, each in pipelines.items()} == {
        "agents": {
            "receivers": ("otlp",),
            "processors": (
                *("redact", "noise", "cost"),
                *("ledger", "tool_calls", "turns", "sessions"),
                *("error_clusters", "correlations", "insights", "agent_performance"),
            ),
            "exporters": ("duckdb",),
        }
    }


def test_the_default_listens_on_loopback_alone() -> None:
    protocols = default_plan().parts[Kind.RECEIVER]["otlp"].config.protocols

    assert protocols.grpc.endpoint == "127.0.0.1:4317"
    assert protocols.http.endpoint == "127.0.0.1:4318"


def test_a_copy_of_the_default_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "agentpond.yaml"
    path.write_text(default_text())

    copied = plan(path)

    assert copied.parts == default_plan().parts
    assert copied.service == default_plan().service


def test_building_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agentpond.yaml"
    state = f"service:\n  state_directory: {tmp_path / 'state'}"
    path.write_text(default_text().replace("service:", state, 1))

    build(path)

    assert [each.name for each in tmp_path.iterdir()] == ["agentpond.yaml"]


def test_every_builtin_component_has_a_summary() -> None:
    without = [page.name for page in pages(registry()) if not page.summary.endswith(".")]

    assert without == []


def test_every_builtin_option_has_a_meaning() -> None:
    without = [
        f"{page.kind.value}.{page.name}.{option.name}"
        for page in pages(registry())
        for option in page.options
        if not option.meaning
    ]

    assert without == []
