"""Count what happens to records, under the names that /metrics shows."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One number the service tells of itself; ``labels`` are the names of its dimensions."""

    name: str
    help: str
    labels: tuple[str, ...]
    kind: str = "counter"


ACCEPTED = Metric(
    "agentpond_receiver_accepted_records",
    "Records that are durable in the log and were acknowledged.",
    ("receiver", "transport", "signal"),
)
REFUSED_RECORDS = Metric(
    "agentpond_receiver_refused_records",
    "Records refused one by one; the sender was told in a partial success.",
    ("receiver", "transport", "signal"),
)
REFUSED_REQUESTS = Metric(
    "agentpond_receiver_refused_requests",
    "Requests refused whole, by reason; the sender was answered with an error.",
    ("receiver", "transport", "reason"),
)
RECOVERED = Metric(
    "agentpond_log_recovered_records",
    "Records found in the log at start that the pipeline had not delivered yet.",
    ("pipeline",),
)
SENT = Metric(
    "agentpond_exporter_sent_records",
    "Records an exporter has stored or passed on.",
    ("pipeline", "exporter"),
)
DROPPED = Metric(
    "agentpond_dropped_records",
    "Records given up, by the component that did it and its reason.",
    ("pipeline", "component", "reason"),
)
FAILED = Metric(
    "agentpond_exporter_failed_deliveries",
    "Deliveries that failed and will be tried again.",
    ("pipeline", "exporter"),
)
LOG_RECORDS = Metric(
    "agentpond_log_records",
    "Records in the log that the exporter has not delivered yet.",
    ("pipeline", "exporter"),
    kind="gauge",
)
LOG_BYTES = Metric("agentpond_log_bytes", "Bytes the log holds on disk or in memory.", (), "gauge")
MEMORY_BYTES = Metric(
    "agentpond_memory_bytes", "Memory the service's process takes, but for files.", (), "gauge"
)
MEMORY_LIMIT_BYTES = Metric(
    "agentpond_memory_limit_bytes",
    "Memory from which requests are refused (soft), and that is not to be passed (hard).",
    ("limit",),
    kind="gauge",
)
PROCESSOR_SESSIONS = Metric(
    "agentpond_processor_sessions_processed",
    "Sessions a session-scope processor has run on, each time it did.",
    ("processor",),
)
PROCESSOR_FAILED_SESSIONS = Metric(
    "agentpond_processor_sessions_failed",
    "Sessions a session-scope processor failed on, each time; they are tried again.",
    ("processor",),
)
PROCESSOR_ROWS = Metric(
    "agentpond_processor_rows",
    "Rows a session-scope processor has made, whether others than before or not.",
    ("processor",),
)
PROCESSOR_RUN_SECONDS = Metric(
    "agentpond_processor_run_seconds",
    "Seconds a session-scope processor has run, with reading and writing.",
    ("processor",),
)
PROCESSOR_DUE_SESSIONS = Metric(
    "agentpond_processor_sessions_due",
    "Sessions that were due for a session-scope processor when it last looked.",
    ("processor",),
    kind="gauge",
)
PROCESSOR_RUNNING_SINCE = Metric(
    "agentpond_processor_running_since_seconds",
    "When the run in hand began (Unix time); 0 while there is none.",
    ("processor",),
    kind="gauge",
)

METRICS = (
    ACCEPTED,
    REFUSED_RECORDS,
    REFUSED_REQUESTS,
    RECOVERED,
    SENT,
    DROPPED,
    FAILED,
    LOG_RECORDS,
    LOG_BYTES,
    MEMORY_BYTES,
    MEMORY_LIMIT_BYTES,
    PROCESSOR_SESSIONS,
    PROCESSOR_FAILED_SESSIONS,
    PROCESSOR_ROWS,
    PROCESSOR_RUN_SECONDS,
    PROCESSOR_DUE_SESSIONS,
    PROCESSOR_RUNNING_SINCE,
)


class Counters:
    """Numbers by metric and label values; safe to use from any thread."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[Metric, tuple[str, ...]], float] = {}
        self._gauges: dict[tuple[Metric, tuple[str, ...]], Callable[[], float]] = {}

    def add(self, metric: Metric, amount: float, /, **labels: str) -> None:
        """Add to a counter. Raises KeyError if a label of the metric is missing."""
        key = (metric, tuple(labels[name] for name in metric.labels))
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + amount

    def observe(self, metric: Metric, read: Callable[[], float], /, **labels: str) -> None:
        """Have a gauge read by calling ``read`` whenever the numbers are asked for."""
        with self._lock:
            self._gauges[(metric, tuple(labels[name] for name in metric.labels))] = read

    def total(self, metric: Metric, /, **labels: str) -> float:
        """Sum a metric over all label values that match ``labels``."""
        wanted = {metric.labels.index(name): value for name, value in labels.items()}
        return sum(
            value
            for told, values, value in self.samples()
            if told == metric and all(values[at] == text for at, text in wanted.items())
        )

    def by_label(self, metric: Metric, label: str) -> Mapping[str, float]:
        """Sum a metric by the values of one label."""
        at = metric.labels.index(label)
        sums: dict[str, float] = {}
        for told, values, value in self.samples():
            if told == metric:
                sums[values[at]] = sums.get(values[at], 0) + value
        return sums

    def samples(self) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
        """Yield every number as (metric, label values, value)."""
        with self._lock:
            counts, gauges = dict(self._counts), dict(self._gauges)
        for (metric, values), count in counts.items():
            yield metric, values, count
        for (metric, values), read in gauges.items():
            yield metric, values, read()
