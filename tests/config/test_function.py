"""A plain function on record batches becomes a processor."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from agentpond.config.function import FunctionProcessor, function_processor
from agentpond.pipeline.core.batch import Batch, Dropped
from agentpond.pipeline.core.component import Kind, Settings
from agentpond.pipeline.core.counters import Counters
from agentpond.pipeline.core.errors import ConfigError, Permanent
from agentpond.pipeline.core.schema import EVENTS, RESOURCES

Rows = Callable[[pa.RecordBatch], pa.RecordBatch]


def processor(function: Rows) -> FunctionProcessor:
    factory = function_processor("mine", function)
    settings = Settings("mine", logging.getLogger("test"), lambda: 0, Path(), Counters())
    built: FunctionProcessor = factory.build(factory.config(), settings)
    return built


def events(*models: str) -> Batch:
    columns = [
        pa.array(models, pa.string())
        if field.name == "model"
        else pa.nulls(len(models), field.type)
        for field in EVENTS.schema
    ]
    return Batch(EVENTS, pa.RecordBatch.from_arrays(columns, schema=EVENTS.schema))


def refusal(function: Rows) -> str:
    with pytest.raises(Permanent) as caught:
        list(processor(function).process(events("a", "b")))
    assert caught.value.reason == "bad_result"
    return str(caught.value)


def test_rows_that_the_function_leaves_out_are_dropped_under_its_name() -> None:
    def only_a(rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows.filter(pc.equal(rows["model"], pa.scalar("a")))

    given = list(processor(only_a).process(events("a", "b", "c")))

    assert given == [events("a"), Dropped(EVENTS, 2, "mine")]


def test_nothing_is_dropped_where_nothing_is_left_out() -> None:
    given = list(processor(lambda rows: rows).process(events("a")))

    assert given == [events("a")]


def test_other_tables_pass() -> None:
    columns = [pa.nulls(1, field.type) for field in RESOURCES.schema]
    batch = Batch(RESOURCES, pa.RecordBatch.from_arrays(columns, schema=RESOURCES.schema))

    given = list(processor(lambda rows: rows.slice(1)).process(batch))

    assert given == [batch]


def test_a_result_with_another_schema_is_refused() -> None:
    said = refusal(lambda rows: rows.drop_columns(["model"]))

    assert said == (
        "the function of processor 'mine' gave not rows of table 'events': columns ['model'] "
        "differ. Keep the schema of Table.schema; new facts go to the `attributes` column."
    )


def test_a_result_that_is_no_record_batch_is_refused() -> None:
    said = refusal(lambda rows: pa.Table.from_batches([rows]))

    assert said == (
        "the function of processor 'mine' gave pyarrow.lib.Table. Return the pyarrow.RecordBatch."
    )


def test_a_result_with_more_rows_is_refused() -> None:
    said = refusal(lambda rows: rows.take(pa.array([0, 1, 0, 1])))

    assert said == (
        "the function of processor 'mine' gave 4 rows for 2. "
        "A processor may leave rows out, not add any."
    )


def test_its_factory_is_that_of_a_processor() -> None:
    factory = function_processor("mine", lambda rows: rows)

    assert (factory.kind, factory.name) == (Kind.PROCESSOR, "mine")
    assert factory.summary == "Run a function of the host's own on every batch of events."


def test_a_name_that_no_configuration_can_hold_and_what_is_no_function_are_both_told() -> None:
    with pytest.raises(ConfigError) as caught:
        function_processor("bad name!", cast("Rows", 3))

    assert str(caught.value).splitlines() == [
        (
            "processors.bad name!: is not a name of a processor. "
            "Write letters, digits and `_`, beginning with a letter, such as `no_metrics`."
        ),
        (
            "processors.bad name!: expected a function, got 3. "
            "Give a function that takes and returns a pyarrow.RecordBatch."
        ),
    ]
