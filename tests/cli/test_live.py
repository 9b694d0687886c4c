"""The line at the foot of the terminal explains what became of the records."""

from agentpond.cli.live import counts
from agentpond.pipeline.core.counters import (
    ACCEPTED,
    DROPPED,
    LOG_RECORDS,
    REFUSED_REQUESTS,
    SENT,
    Counters,
)


def numbers(*pipelines: str) -> Counters:
    """Count ten records that came, of which each pipeline stored seven and dropped two."""
    counters = Counters()
    counters.add(ACCEPTED, 10, receiver="otlp", transport="grpc", signal="logs")
    for each in pipelines:
        counters.add(SENT, 7, pipeline=each, exporter="duckdb")
        counters.add(DROPPED, 2, pipeline=each, component="noise", reason="stream_chunk")
        counters.observe(LOG_RECORDS, lambda: 1, pipeline=each, exporter="duckdb")
    return counters


def test_the_numbers_of_one_pipeline_add_up() -> None:
    line = counts(numbers("agents"), [("agents", ["duckdb"])])

    assert line == "records: accepted 10   stored 7   dropped 2   in the log 1   refused 0"


def test_each_of_several_pipelines_has_its_own_numbers() -> None:
    line = counts(numbers("agents", "calls"), [("agents", ["duckdb"]), ("calls", ["duckdb"])])

    assert line == (
        "records: accepted 10   refused 0   |   agents: stored 7, dropped 2, in the log 1   |   "
        "calls: stored 7, dropped 2, in the log 1"
    )


def test_each_of_several_exporters_has_its_own_number() -> None:
    line = counts(numbers("agents"), [("agents", ["duckdb", "console"])])

    assert "stored by duckdb 7   stored by console 0   dropped 2" in line


def test_refused_requests_are_told_where_there_are_any() -> None:
    counters = numbers("agents")
    counters.add(REFUSED_REQUESTS, 3, receiver="otlp", transport="grpc", reason="busy")

    line = counts(counters, [("agents", ["duckdb"])])

    assert line.endswith("refused 0   requests refused 3")
