"""Items that can never be stored right are rejected one by one, with exact counts."""

from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentpond.pipeline.core.component import Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Encoding, Request, Signal
from agentpond.receiver.codec import OtlpCodec

from .build import TIME_NS, log, logs, request, rows, rows_of, span, spans
from .wire.otlp_json import Writing, to_json

NO_TIME = "data point(s) rejected: time_unix_nano is 0. Set the time of each point."
NO_TEMPORALITY = (
    "data point(s) rejected: aggregation_temporality is not set, so that nobody can tell "
    "what to add up. Set DELTA (1) or CUMULATIVE (2) on each sum and histogram."
)
NUMBER = metrics.NumberDataPoint(time_unix_nano=TIME_NS, as_int=1)
WITHOUT_TIME = metrics.NumberDataPoint(as_int=1)
NOT_RECORDED: dict[str, Any] = {"time_unix_nano": TIME_NS, "flags": 1}


def of_metrics(*told: metrics.Metric) -> Message:
    held = metrics.ResourceMetrics(scope_metrics=[metrics.ScopeMetrics(metrics=told)])
    return metrics.MetricsData(resource_metrics=[held])


def sent(*told: metrics.Metric) -> Request:
    return Request(
        Signal.METRICS, Encoding.PROTOBUF, of_metrics(*told).SerializeToString(), TIME_NS, "otlp"
    )


def judge(*requests: Request) -> Sequence[Taken | Permanent]:
    verdicts, _ = OtlpCodec().decode(requests)
    return verdicts


def a_sum(*points: metrics.NumberDataPoint, temporality: int = 1) -> metrics.Metric:
    data = metrics.Sum(
        data_points=points,
        aggregation_temporality=metrics.AggregationTemporality.ValueType(temporality),
    )
    return metrics.Metric(name="tokens", sum=data)


def test_points_without_a_time_are_rejected_and_counted() -> None:
    verdicts = judge(sent(a_sum(WITHOUT_TIME, NUMBER, WITHOUT_TIME)), sent(a_sum(NUMBER)))

    assert verdicts == [Taken(1, 2, f"2 {NO_TIME}"), Taken(1)]


@pytest.mark.parametrize(
    "metric",
    [
        metrics.Metric(name="n", sum=metrics.Sum(data_points=[NUMBER])),
        metrics.Metric(
            name="n",
            histogram=metrics.Histogram(
                data_points=[metrics.HistogramDataPoint(time_unix_nano=TIME_NS)]
            ),
        ),
        metrics.Metric(
            name="n",
            exponential_histogram=metrics.ExponentialHistogram(
                data_points=[metrics.ExponentialHistogramDataPoint(time_unix_nano=TIME_NS)]
            ),
        ),
    ],
    ids=["sum", "histogram", "exponential histogram"],
)
def test_points_without_an_aggregation_temporality_are_rejected(metric: metrics.Metric) -> None:
    (verdict,) = judge(sent(metric, a_sum(NUMBER)))

    assert verdict == Taken(1, 1, f"1 {NO_TEMPORALITY}")


@pytest.mark.parametrize(
    "metric",
    [
        metrics.Metric(name="n", gauge=metrics.Gauge(data_points=[NUMBER])),
        metrics.Metric(
            name="n",
            summary=metrics.Summary(data_points=[metrics.SummaryDataPoint(time_unix_nano=TIME_NS)]),
        ),
    ],
    ids=["gauge", "summary"],
)
def test_metrics_that_have_no_temporality_need_none(metric: metrics.Metric) -> None:
    (verdict,) = judge(sent(metric))

    assert verdict == Taken(1)


def test_a_point_with_two_mistakes_is_counted_once_and_each_mistake_is_told() -> None:
    (verdict,) = judge(
        sent(a_sum(WITHOUT_TIME, NUMBER, temporality=0), a_sum(NUMBER), a_sum(WITHOUT_TIME))
    )

    assert verdict == Taken(1, 3, f"2 {NO_TIME} 1 {NO_TEMPORALITY}")


def test_a_rejected_point_is_no_row() -> None:
    found = rows_of([sent(a_sum(NUMBER, temporality=0), a_sum(NUMBER, WITHOUT_TIME))])

    assert [(row["temporality"], row["value"]) for row in found] == [("delta", 1.0)]


@pytest.mark.parametrize(
    "metric",
    [
        a_sum(metrics.NumberDataPoint(as_int=7, **NOT_RECORDED)),
        metrics.Metric(
            name="n",
            histogram=metrics.Histogram(
                aggregation_temporality=metrics.AGGREGATION_TEMPORALITY_DELTA,
                data_points=[metrics.HistogramDataPoint(sum=7, count=7, **NOT_RECORDED)],
            ),
        ),
    ],
    ids=["sum", "histogram"],
)
def test_a_point_of_which_no_value_was_recorded_has_none(metric: metrics.Metric) -> None:
    (row,) = rows_of([sent(metric)])

    assert (row["value"], row["count"]) == (None, None)


def test_other_bits_of_a_points_flags_say_nothing_of_its_value() -> None:
    point = metrics.NumberDataPoint(time_unix_nano=TIME_NS, as_int=7, flags=0xFFFF_FFFE)

    (row,) = rows_of([sent(a_sum(point))])

    assert row["value"] == 7.0


@pytest.mark.parametrize("ids", [{"trace_id": b"short"}, {"trace_id": bytes(16)}, {"span_id": b""}])
def test_a_span_without_valid_ids_is_rejected_alone(ids: dict[str, bytes]) -> None:
    (verdict,) = judge(request(spans([span({}), span({}, **ids), span({})])))

    assert isinstance(verdict, Taken)
    assert (verdict.records, verdict.rejected) == (2, 1)


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b"short", "span_id": b"short"},
        {"trace_id": bytes(16), "span_id": bytes(8)},
        {"trace_id": bytes(17), "span_id": bytes(9)},
    ],
)
@pytest.mark.parametrize("encoding", Encoding)
def test_a_log_record_with_invalid_ids_is_taken_without_them(
    ids: dict[str, bytes], encoding: Encoding
) -> None:
    told = logs([log({}, **ids)])
    body = to_json(told, Writing()) if encoding is Encoding.JSON else told.SerializeToString()

    (row,) = rows_of([Request(Signal.LOGS, encoding, body, TIME_NS, "otlp")])

    assert (row["trace_id"], row["span_id"]) == (None, None)


def test_all_bits_of_the_flags_of_spans_links_and_log_records_are_passed_over() -> None:
    every = 0xFFFF_FFFF
    link = Span.Link(trace_id=b"0123456789abcdef", span_id=b"01234567", flags=every)

    found = rows(spans([span({}, flags=every, links=[link])]), logs([log({}, flags=every)]))

    assert sorted(row["signal"] for row in found) == ["logs", "traces"]


def test_of_an_attribute_that_is_told_twice_the_last_value_stands() -> None:
    record = log({"a": "first"})
    record.attributes.add(key="a").value.string_value = "last"

    (row,) = rows(logs([record]))

    assert row["attributes"] == {"a": "last"}
