"""Send all three signals through the official SDK and exporters, as the driver says.

The argument is the variants as JSON. Each line on standard input is a number of rounds; its end
is the sign to shut down. Each export's end goes to standard output as a line of JSON, and so does
what the SDK says to its user.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_span_in_context
from opentelemetry.util.types import AnyValue

EXPORTERS: dict[str, dict[str, Callable[[], Any]]] = {
    "grpc": {"trace": GrpcSpans, "logs": GrpcLogs, "metrics": GrpcMetrics},
    "protobuf": {"trace": HttpSpans, "logs": HttpLogs, "metrics": HttpMetrics},
}
HOURS_MS = 3_600_000


def tell(**fact: Any) -> None:
    """Write one line whole: all threads share the stream."""
    sys.stdout.write(f"{json.dumps(fact)}\n")
    sys.stdout.flush()


@contextmanager
def environment_of(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Telling(logging.Handler):
    """Tell what is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(said=self.format(record))


class Client:
    """One variant: three providers, each with an exporter of its own."""

    def __init__(self, name: str, protocol: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.ended: dict[str, Any] = {}
        resource = Resource({"service.name": "real-client"})
        # Exporters read the environment while they are made, and never again.
        with environment_of(environment):
            made = {signal: self.exporter(protocol, signal) for signal in EXPORTERS[protocol]}
        # Nothing is exported but by force_flush.
        reader = PeriodicExportingMetricReader(made["metrics"], export_interval_millis=HOURS_MS)
        self.tracers = TracerProvider(resource=resource)
        self.tracers.add_span_processor(
            BatchSpanProcessor(made["trace"], schedule_delay_millis=HOURS_MS)
        )
        self.loggers = LoggerProvider(resource=resource)
        self.loggers.add_log_record_processor(
            BatchLogRecordProcessor(made["logs"], schedule_delay_millis=HOURS_MS)
        )
        self.meters = MeterProvider(resource=resource, metric_readers=[reader])
        self.counter = self.meters.get_meter("real-client").create_counter("made")

    def exporter(self, protocol: str, signal: str) -> Any:
        """Make an exporter that notes how its exports end: the SDK keeps it to itself."""
        made = EXPORTERS[protocol][signal]()
        send = made.export

        def export(*arguments: Any, **options: Any) -> Any:
            self.ended[signal] = result = send(*arguments, **options)
            return result

        made.export = export
        return made

    def round(self, number: int) -> None:
        """Send a span, a log record and a measurement; tell how that went."""
        attributes: dict[str, AnyValue] = {"run": self.name, "number": number}
        span = self.tracers.get_tracer("real-client").start_span(
            f"work {number}", attributes=attributes
        )
        span.end()
        said = LogRecord(
            body=f"said {number}", attributes=attributes, context=set_span_in_context(span)
        )
        self.loggers.get_logger("real-client").emit(said)
        self.counter.add(number, {"run": self.name})
        context = span.get_span_context()
        ids = {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"}
        for signal, provider in (
            ("trace", self.tracers),
            ("logs", self.loggers),
            ("metrics", self.meters),
        ):
            self.ended[signal] = None
            provider.force_flush(HOURS_MS)
            result = self.ended[signal]
            delivered = result is not None and result.name == "SUCCESS"
            fact = {"run": self.name, "signal": signal, "number": number}
            tell(**fact, delivered=delivered, **ids, words=str(result))

    def shutdown(self) -> None:
        for provider in (self.tracers, self.loggers, self.meters):
            provider.shutdown()


def main() -> None:
    logging.basicConfig(level=logging.INFO, handlers=[Telling()])
    clients = [Client(**variant) for variant in json.loads(sys.argv[1])]
    last = 0
    with ThreadPoolExecutor(len(clients)) as threads:
        for line in sys.stdin:
            numbers = range(last + 1, last + 1 + int(line))
            last += int(line)

            def send(client: Client, numbers: range = numbers) -> None:
                for number in numbers:
                    client.round(number)

            list(threads.map(send, clients))
    for client in clients:
        client.shutdown()


if __name__ == "__main__":
    main()
