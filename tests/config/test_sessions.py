"""Session-scope processors stand in the list of a pipeline, and work on the stores it fills."""

from pathlib import Path

import pytest

from agentpond.cli.summary import work_lines
from agentpond.config.build import assemble, plan, workshop
from agentpond.config.facts import Facts, facts_of
from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.component import Factory, Kind
from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.core.schema import EVENTS, RESOURCES
from agentpond.pipeline.core.sessions import Need

from ..contracts.counting import PROMPTS, Config, factory

START = """
receivers: {otlp: }
"""
ONE = """
exporters: {duckdb: , console: }
service:
  pipelines:
    agents: {receivers: [otlp], processors: [redact, prompts], exporters: [duckdb, console]}
"""


def table(name: str) -> Table:
    return Table(name, PROMPTS.schema, ("session_id",))


def reading(name: str, reads: str, makes: str) -> Factory:
    """Describe a processor that reads one made table and makes another."""
    needs = (Need(EVENTS, ("session_id",)), Need(table(reads), ("session_id",)))
    return factory(name, needs=needs, tables=(table(makes),))


def mistakes(directory: Path, text: str, *components: Factory) -> list[str]:
    path = directory / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        assemble(plan(path, components))
    return str(caught.value).replace(str(path), "a.yaml").splitlines()


def test_the_pipeline_runs_those_of_batches_and_the_engine_those_of_sessions(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(START + "processors: {redact: , prompts: }" + ONE)

    service = assemble(plan(path, [factory()]))

    assert [name for name, _ in service.pipelines[0].processors] == ["redact"]
    assert {name: engine.names for name, engine in service.engines.items()} == {
        "duckdb": ("prompts",)
    }


def test_one_that_several_pipelines_name_runs_once_on_each_store(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    text = """
processors: {prompts: , prompts/b: }
exporters: {duckdb: , duckdb/b: {path: b.duckdb}}
service:
  pipelines:
    one: {receivers: [otlp], processors: [prompts], exporters: [duckdb, duckdb/b]}
    two: {receivers: [otlp], processors: [prompts], exporters: [duckdb]}
"""
    path.write_text(START + text)

    service = assemble(plan(path, [factory()]))

    assert {name: engine.names for name, engine in service.engines.items()} == {
        "duckdb": ("prompts",),
        "duckdb/b": ("prompts",),
    }


def test_without_a_store_there_is_nothing_to_work_on(tmp_path: Path) -> None:
    text = """
processors: {prompts: }
exporters: {console: }
service: {pipelines: {agents: {receivers: [otlp], processors: [prompts], exporters: [console]}}}
"""

    told = mistakes(tmp_path, START + text, factory())

    assert told == [
        (
            "a.yaml:6:64: service.pipelines.agents.processors[0]: `prompts` makes tables in a "
            "store, and the pipeline fills none. Add the exporter `duckdb` to the pipeline."
        )
    ]


def test_all_mistakes_of_a_store_are_told_at_once(tmp_path: Path) -> None:
    text = """
processors: {prompts: , prompts/2: , lost: , a: , b: , own: }
exporters: {duckdb: }
service:
  pipelines:
    agents:
      receivers: [otlp]
      processors: [prompts, prompts/2, lost, a, b, own]
      exporters: [duckdb]
"""
    components = [
        *(factory(), reading("lost", "nowhere", "lost"), reading("a", "b", "a")),
        *(reading("b", "a", "b"), factory("own", tables=(RESOURCES,))),
    ]

    told = mistakes(tmp_path, START + text, *components)

    assert [line.partition(".processors")[2] for line in told] == [
        (
            "[1]: `prompts/2` makes prompts, and so does `prompts`, both in `duckdb`. Keep one "
            "of the two, or give them stores of their own."
        ),
        "[2]: `lost` reads nowhere, which no processor makes in `duckdb`. Add one that does.",
        (
            "[3]: `b` reads what `a` makes, `a` reads what `b` makes: none can be the first. "
            "Leave one of them out."
        ),
        "[5]: `own` makes resources, which is what receivers fill. Give its table another name.",
    ]


def test_who_reads_what_a_known_processor_makes_is_told_which(tmp_path: Path) -> None:
    needs = (Need(EVENTS, ("session_id",)), Need(API_CALLS, ("session_id",)))
    text = START + "processors: {redact: , prompts: }" + ONE

    told = mistakes(tmp_path, text, factory(needs=needs))

    assert told[0].endswith(
        "`prompts` reads api_calls, which no processor makes in `duckdb`. Add `ledger`."
    )


def test_who_only_says_that_it_is_of_sessions_is_refused(tmp_path: Path) -> None:
    class Says:
        scope = "session"

    saying = Factory(Kind.PROCESSOR, "prompts", Config, lambda *_: Says())

    told = mistakes(tmp_path, START + "processors: {redact: , prompts: }" + ONE, saying)

    assert told == [
        (
            "a.yaml:3:24: processors.prompts: cannot run: its scope is `session`, and it is no "
            "SessionProcessor. docs/contract.md says what such a processor must have."
        )
    ]


def test_a_ledger_that_would_price_otherwise_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("")
    path = tmp_path / "a.yaml"
    text = f"processors: {{cost: {{prices: {tmp_path / 'p.toml'}}}, ledger: }}" + ONE
    path.write_text(START + text.replace("[redact, prompts]", "[cost, ledger]"))

    warnings = plan(path).warnings

    assert [str(warning).partition(": processors.")[2] for warning in warnings] == [
        (
            f"ledger.prices: `ledger` prices by the built-in list, and `cost` by "
            f"{tmp_path / 'p.toml'}: they will tell different costs. "
            f"Write `prices: {tmp_path / 'p.toml'}` in both."
        )
    ]


def test_validate_says_what_is_made_of_sessions_and_when(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(START + "processors: {redact: , prompts: }" + ONE)
    service = assemble(plan(path, [factory()]))

    lines = work_lines(service.engines)

    assert lines == ["  sessions in duckdb: prompts makes prompts (every 5s, settle 2s)"]


def test_a_processor_tells_of_itself_before_it_is_used() -> None:
    facts = facts_of(factory())

    assert facts == Facts("session", ("events",), ("prompts",), "every 5s, settle 2s")


def test_a_store_can_be_built_at_another_place_with_its_engine(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(START + "processors: {redact: , prompts: }" + ONE)

    shop = workshop(plan(path, [factory()]), "duckdb", tmp_path / "other.duckdb")

    store: object = getattr(shop.store, "path", None)
    assert store == tmp_path / "other.duckdb"
    assert shop.engine is not None
    assert shop.engine.names == ("prompts",)
