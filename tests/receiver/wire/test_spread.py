"""Refuse requests whose rows would be far larger than they are."""

from collections.abc import Callable

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentpond.pipeline.core.component import Taken
from agentpond.pipeline.core.errors import Permanent
from agentpond.receiver.codec import OtlpCodec
from agentpond.receiver.wire import spread

from ..build import TIME_NS, log, logs, request, spans
from ..build import span as make_span

_TOO_MANY = spread.MOST_ITEMS + 1


def long_resource() -> Message:
    return logs([log({})] * 300, resource={"team": "x" * 1_000_000})


def long_scope() -> Message:
    message = spans([make_span({}, span_id=n.to_bytes(8, "big")) for n in range(1, 301)])
    scope = message.resource_spans[0].scope_spans[0].scope  # type: ignore[attr-defined]
    scope.attributes.add(key="k").value.string_value = "x" * 1_000_000
    return message


def long_metric_name() -> Message:
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="x" * 1_000_000)
    for _ in range(300):
        metric.gauge.data_points.add(time_unix_nano=TIME_NS)
    return message


@pytest.mark.parametrize("make", [long_resource, long_scope, long_metric_name])
def test_a_request_that_repeats_much_in_many_rows_is_too_large(
    make: Callable[[], Message],
) -> None:
    message = make()

    (verdict,), _ = OtlpCodec().decode([request(message)])

    assert isinstance(verdict, Permanent)
    assert verdict.reason == "too_large"


def test_a_request_of_very_many_items_is_too_large_and_its_neighbour_is_taken() -> None:
    many = logs([log({})] * (spread.MOST_ITEMS + 1))

    (refused, taken), _ = OtlpCodec().decode([request(many), request(logs([log({})]))])

    assert isinstance(refused, Permanent)
    assert taken == Taken(1)


def many_points() -> Message:
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.exponential_histogram.data_points.extend([ExponentialHistogramDataPoint()] * _TOO_MANY)
    return message


def many_links() -> Message:
    return spans([make_span({}, span_id=b"12345678", links=[Span.Link()] * _TOO_MANY)])


def many_span_events() -> Message:
    return spans([make_span({}, span_id=b"12345678", events=[Span.Event()] * _TOO_MANY)])


@pytest.mark.parametrize("make", [many_points, many_links, many_span_events])
def test_a_request_of_very_many_parts_is_refused_before_columns_are_made_of_them(
    make: Callable[[], Message],
) -> None:
    message = make()

    (verdict,), _ = OtlpCodec().decode([request(message)])

    assert isinstance(verdict, Permanent)
    assert f"has {_TOO_MANY} items" in str(verdict)
