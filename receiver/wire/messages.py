"""Declare OTLP's messages as OTLP/JSON writes them, for msgspec.

Rules of the specification, "JSON Protobuf Encoding": keys are lowerCamelCase and unknown ones
are ignored; 64-bit integers are decimal strings or numbers; enums are numbers, names are
refused; ids are hex text. ``null`` stands for the default.

``UNREAD`` names fields that no column is made of. They are declared all the same, because a body
in which they are wrong is no OTLP.
"""

from typing import ClassVar, TypeAlias

from msgspec import Raw, Struct, field

Whole: TypeAlias = int | float | str | None
"""A 64-bit integer; ``1.0e3`` is one too."""
Real: TypeAlias = float | str | None
"""A double; ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` are ones too."""
Text: TypeAlias = str | None
Small: TypeAlias = int | None
"""An enum's number, whose name OTLP refuses."""
Wholes: TypeAlias = list[int | float | str] | None
Reals: TypeAlias = list[float | str] | None

NULL = Raw(b"null")


class AnyValue(Struct, rename="camel", gc=False):
    """One value of any kind."""

    string_value: Text = None
    bool_value: bool | None = None
    int_value: Whole = None
    double_value: Real = None
    array_value: "ArrayValue | None" = None
    kvlist_value: "KeyValueList | None" = None
    bytes_value: Text = None
    string_value_strindex: Whole = None


class KeyValue(Struct, rename="camel", gc=False):
    """One attribute."""

    key: Text = ""
    value: AnyValue | None = None
    key_strindex: Whole = 0
    UNREAD: ClassVar = ("key_strindex",)


class ArrayValue(Struct, rename="camel", gc=False):
    """The values of an array."""

    values: list[AnyValue] | None = field(default_factory=list)


class KeyValueList(Struct, rename="camel", gc=False):
    """The pairs of a kvlist."""

    values: list[KeyValue] | None = field(default_factory=list)


Attributes: TypeAlias = list[Raw] | None
"""KeyValues as they stand: most repeat, and each different one is decoded once."""


class EntityRef(Struct, rename="camel", gc=False):
    """What a resource is about."""

    schema_url: Text = ""
    type: Text = ""
    id_keys: list[str] | None = field(default_factory=list)
    description_keys: list[str] | None = field(default_factory=list)


class Resource(Struct, rename="camel", gc=False):
    """Who sends."""

    attributes: Attributes = field(default_factory=list)
    dropped_attributes_count: Whole = 0
    entity_refs: list[EntityRef] | None = field(default_factory=list)
    UNREAD: ClassVar = ("dropped_attributes_count",)


class InstrumentationScope(Struct, rename="camel", gc=False):
    """Which library tells."""

    name: Text = ""
    version: Text = ""
    attributes: Attributes = field(default_factory=list)
    dropped_attributes_count: Whole = 0
    UNREAD: ClassVar = ("dropped_attributes_count",)


class LogRecord(Struct, rename="camel", gc=False):
    """One log record."""

    time_unix_nano: Whole = 0
    observed_time_unix_nano: Whole = 0
    severity_number: Small = 0
    severity_text: Text = ""
    body: Raw = NULL
    attributes: Attributes = field(default_factory=list)
    trace_id: Text = ""
    span_id: Text = ""
    event_name: Text = ""
    dropped_attributes_count: Whole = 0
    flags: Whole = 0
    UNREAD: ClassVar = ("dropped_attributes_count", "flags")


class ScopeLogs(Struct, rename="camel", gc=False):
    """The log records of one scope."""

    scope: InstrumentationScope | None = None
    log_records: list[LogRecord] | None = field(default_factory=list)
    schema_url: Text = ""


class ResourceLogs(Struct, rename="camel", gc=False):
    """The log records of one resource."""

    resource: Resource | None = None
    scope_logs: list[ScopeLogs] | None = field(default_factory=list)
    schema_url: Text = ""


class LogsRequest(Struct, rename="camel", gc=False):
    """An ExportLogsServiceRequest."""

    resource_logs: list[ResourceLogs] | None = field(default_factory=list)


class Event(Struct, rename="camel", gc=False):
    """An event of a span."""

    time_unix_nano: Whole = 0
    name: Text = ""
    attributes: Attributes = field(default_factory=list)
    dropped_attributes_count: Whole = 0
    UNREAD: ClassVar = ("dropped_attributes_count",)


class Link(Struct, rename="camel", gc=False):
    """A link of a span."""

    trace_id: Text = ""
    span_id: Text = ""
    trace_state: Text = ""
    attributes: Attributes = field(default_factory=list)
    dropped_attributes_count: Whole = 0
    flags: Whole = 0
    UNREAD: ClassVar = ("dropped_attributes_count", "flags")


class Status(Struct, rename="camel", gc=False):
    """How a span ended."""

    message: Text = ""
    code: Small = 0


class Span(Struct, rename="camel", gc=False):
    """One span."""

    trace_id: Text = ""
    span_id: Text = ""
    trace_state: Text = ""
    parent_span_id: Text = ""
    name: Text = ""
    kind: Small = 0
    start_time_unix_nano: Whole = 0
    end_time_unix_nano: Whole = 0
    attributes: Attributes = field(default_factory=list)
    events: list[Event] | None = field(default_factory=list)
    links: list[Link] | None = field(default_factory=list)
    status: Status | None = None
    flags: Whole = 0
    dropped_attributes_count: Whole = 0
    dropped_events_count: Whole = 0
    dropped_links_count: Whole = 0
    UNREAD: ClassVar = (
        "flags",
        "dropped_attributes_count",
        "dropped_events_count",
        "dropped_links_count",
    )


class ScopeSpans(Struct, rename="camel", gc=False):
    """The spans of one scope."""

    scope: InstrumentationScope | None = None
    spans: list[Span] | None = field(default_factory=list)
    schema_url: Text = ""


class ResourceSpans(Struct, rename="camel", gc=False):
    """The spans of one resource."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = field(default_factory=list)
    schema_url: Text = ""


class TracesRequest(Struct, rename="camel", gc=False):
    """An ExportTraceServiceRequest."""

    resource_spans: list[ResourceSpans] | None = field(default_factory=list)


class Exemplar(Struct, rename="camel", gc=False):
    """One measurement that went into a point."""

    filtered_attributes: list[KeyValue] | None = field(default_factory=list)
    time_unix_nano: Whole = 0
    as_double: Real = None
    as_int: Whole = None
    span_id: Text = ""
    trace_id: Text = ""
    UNREAD: ClassVar = ("filtered_attributes", "time_unix_nano", "as_double", "as_int")


Exemplars: TypeAlias = list[Exemplar] | None


class NumberDataPoint(Struct, rename="camel", gc=False):
    """One point of a gauge or sum."""

    attributes: Attributes = field(default_factory=list)
    start_time_unix_nano: Whole = 0
    time_unix_nano: Whole = 0
    as_double: Real = None
    as_int: Whole = None
    flags: Whole = 0
    exemplars: Exemplars = field(default_factory=list)
    UNREAD: ClassVar = ("exemplars",)


class HistogramDataPoint(Struct, rename="camel", gc=False):
    """One point of a histogram."""

    attributes: Attributes = field(default_factory=list)
    start_time_unix_nano: Whole = 0
    time_unix_nano: Whole = 0
    count: Whole = 0
    sum: Real = None
    bucket_counts: Wholes = field(default_factory=list)
    explicit_bounds: Reals = field(default_factory=list)
    flags: Whole = 0
    min: Real = None
    max: Real = None
    exemplars: Exemplars = field(default_factory=list)
    UNREAD: ClassVar = ("exemplars",)


class Buckets(Struct, rename="camel", gc=False):
    """One side of an exponential histogram."""

    offset: Whole = 0
    bucket_counts: Wholes = field(default_factory=list)


class ExponentialHistogramDataPoint(Struct, rename="camel", gc=False):
    """One point of an exponential histogram."""

    attributes: Attributes = field(default_factory=list)
    start_time_unix_nano: Whole = 0
    time_unix_nano: Whole = 0
    count: Whole = 0
    sum: Real = None
    scale: Whole = 0
    zero_count: Whole = 0
    positive: Buckets | None = None
    negative: Buckets | None = None
    flags: Whole = 0
    min: Real = None
    max: Real = None
    zero_threshold: Real = 0.0
    exemplars: Exemplars = field(default_factory=list)
    UNREAD: ClassVar = ("exemplars",)


class ValueAtQuantile(Struct, rename="camel", gc=False):
    """One quantile of a summary."""

    quantile: Real = 0.0
    value: Real = 0.0


class SummaryDataPoint(Struct, rename="camel", gc=False):
    """One point of a summary."""

    attributes: Attributes = field(default_factory=list)
    start_time_unix_nano: Whole = 0
    time_unix_nano: Whole = 0
    count: Whole = 0
    sum: Real = 0.0
    quantile_values: list[ValueAtQuantile] | None = field(default_factory=list)
    flags: Whole = 0


class Gauge(Struct, rename="camel", gc=False):
    """Points of a gauge."""

    data_points: list[NumberDataPoint] | None = field(default_factory=list)


class Sum(Struct, rename="camel", gc=False):
    """Points of a sum."""

    data_points: list[NumberDataPoint] | None = field(default_factory=list)
    aggregation_temporality: Small = 0
    is_monotonic: bool | None = False


class Histogram(Struct, rename="camel", gc=False):
    """Points of a histogram."""

    data_points: list[HistogramDataPoint] | None = field(default_factory=list)
    aggregation_temporality: Small = 0


class ExponentialHistogram(Struct, rename="camel", gc=False):
    """Points of an exponential histogram."""

    data_points: list[ExponentialHistogramDataPoint] | None = field(default_factory=list)
    aggregation_temporality: Small = 0


class Summary(Struct, rename="camel", gc=False):
    """Points of a summary."""

    data_points: list[SummaryDataPoint] | None = field(default_factory=list)


class Metric(Struct, rename="camel", gc=False):
    """One metric."""

    name: Text = ""
    unit: Text = ""
    gauge: Gauge | None = None
    sum: Sum | None = None
    histogram: Histogram | None = None
    exponential_histogram: ExponentialHistogram | None = None
    summary: Summary | None = None
    description: Text = ""
    metadata: list[KeyValue] | None = field(default_factory=list)
    UNREAD: ClassVar = ("metadata",)


class ScopeMetrics(Struct, rename="camel", gc=False):
    """The metrics of one scope."""

    scope: InstrumentationScope | None = None
    metrics: list[Metric] | None = field(default_factory=list)
    schema_url: Text = ""


class ResourceMetrics(Struct, rename="camel", gc=False):
    """The metrics of one resource."""

    resource: Resource | None = None
    scope_metrics: list[ScopeMetrics] | None = field(default_factory=list)
    schema_url: Text = ""


class MetricsRequest(Struct, rename="camel", gc=False):
    """An ExportMetricsServiceRequest."""

    resource_metrics: list[ResourceMetrics] | None = field(default_factory=list)
