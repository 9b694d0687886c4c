"""Send spans through the official exporters, with the retry that they bring themselves."""

import asyncio

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from .served import Served


def exporter(transport: str, service: Served) -> SpanExporter:
    """Make an exporter with all its defaults: it gives up after ten seconds."""
    if transport == "grpc":
        return GrpcExporter(endpoint=service.grpc, insecure=True)
    return HttpExporter(endpoint=f"http://{service.http}/v1/traces")


def spans(sender: str, count: int) -> list[ReadableSpan]:
    """Make spans that can be told from all others."""
    provider, made = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(made))
    for number in range(count):
        provider.get_tracer("tests").start_span(
            "tick", attributes={"key": f"{sender}-{number}"}
        ).end()
    provider.shutdown()
    return list(made.get_finished_spans())


async def deliver(transport: str, service: Served, sender: str, count: int) -> bool:
    """Export spans, in one go; tell whether the exporter says that they arrived."""
    sending = exporter(transport, service)
    try:
        ended = await asyncio.to_thread(sending.export, spans(sender, count))
    finally:
        await asyncio.to_thread(sending.shutdown)
    return ended is SpanExportResult.SUCCESS
