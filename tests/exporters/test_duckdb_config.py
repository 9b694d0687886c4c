"""What a user may write about the DuckDB file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.exporters.duckdb import Config, factory
from agentpond.pipeline.core.component import Kind


def test_the_defaults_are_a_file_here_and_a_day() -> None:
    config = Config()

    assert (config.path, config.dedup_window) == (Path("agentpond.duckdb"), timedelta(hours=24))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("24h", timedelta(hours=24)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5d", timedelta(hours=36)),
        ("PT2H", timedelta(hours=2)),
        (60, timedelta(seconds=60)),
    ],
)
def test_a_window_can_be_written_in_several_ways(written: Any, meant: timedelta) -> None:
    config = Config(dedup_window=written)

    assert config.dedup_window == meant


@pytest.mark.parametrize(
    "wrong",
    [{"dedup_window": "soon"}, {"dedup_window": "0s"}, {"threads": 0}, {"memory_limit": "1MB"}],
)
def test_values_without_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Config(**wrong)

    assert [error["loc"][0] for error in caught.value.errors()] == list(wrong)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Config.model_validate({"pth": "x.duckdb"})


def test_memory_may_be_given_with_its_unit() -> None:
    config = Config.model_validate({"memory_limit": "1GiB"})

    assert config.memory_limit == 1_073_741_824


def test_the_factory_says_what_it_builds() -> None:
    told = (factory.kind, factory.name, factory.summary)

    assert told == (Kind.EXPORTER, "duckdb", "Keep all rows in one DuckDB file.")
