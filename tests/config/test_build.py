"""What one part cannot see, building all of them does."""

from pathlib import Path

import pytest

from agentpond.config.build import assemble, plan
from agentpond.pipeline.core.errors import ConfigError

TEXT = """
receivers: {{otlp: }}
exporters:
  duckdb: {{path: {first}}}
  duckdb/calls: {{path: {second}}}
service:
  pipelines:
    all: {{receivers: [otlp], exporters: [duckdb]}}
    calls: {{receivers: [otlp], exporters: [duckdb/calls]}}
"""


def write(directory: Path, first: Path, second: Path) -> Path:
    path = directory / "agentpond.yaml"
    path.write_text(TEXT.format(first=first, second=second))
    return path


def test_two_stores_in_one_file_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    store = tmp_path / "link" / "a.duckdb"
    path = write(tmp_path, tmp_path / "a.duckdb", store)

    with pytest.raises(ConfigError) as caught:
        assemble(plan(path))

    assert str(caught.value) == (
        f"{path}:5:24: exporters.duckdb/calls.path: {store} is the file of exporters.duckdb too. "
        f"Choose another `path`, or name `duckdb` in both pipelines."
    )


def test_two_stores_in_two_files_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, tmp_path / "a.duckdb", tmp_path / "b.duckdb")

    service = assemble(plan(path))

    assert list(service.exporters) == ["duckdb", "duckdb/calls"]
