"""Turn the path of a request into the signal it is for, or into words on the right path."""

import re
from difflib import get_close_matches

from ....pipeline.core.signal import Signal

PATHS = {signal: f"/v1/{signal}" for signal in Signal}
"""Where each signal is posted to: OTLP specification, "OTLP/HTTP Request"."""

_SIGNALS = {path: signal for signal, path in PATHS.items()}

_SLASHES = re.compile(r"//+")

# What people call the last part of a path.
_NAMES = {
    "traces": Signal.TRACES,
    "trace": Signal.TRACES,
    "spans": Signal.TRACES,
    "span": Signal.TRACES,
    "metrics": Signal.METRICS,
    "metric": Signal.METRICS,
    "logs": Signal.LOGS,
    "log": Signal.LOGS,
    "events": Signal.LOGS,
}
_ALIKE = 0.75

# Doors of others, which take no OTLP.
_FOREIGN = {
    "/api/traces": "Jaeger's own format",
    "/api/v2/spans": "Zipkin's format",
    "/api/v1/spans": "Zipkin's format",
    "/api/v1/write": "Prometheus remote write",
    "/api/v1/push": "Prometheus remote write",
    "/loki/api/v1/push": "Loki's format",
}

_SHOWN_CHARACTERS = 200


def is_root(path: str) -> bool:
    """Tell whether a path names nothing."""
    return path.strip("/") == ""


def signal_of(path: str) -> Signal | None:
    """Give the signal a path is for; doubled and trailing slashes do not matter.

    ``//v1/logs`` is what becomes of an endpoint that ends in a slash, and ``/v1/logs/`` of one
    that was written with love: neither can mean anything else.
    """
    return _SIGNALS.get(_tidy(path))


def all_of(prefix: str = "") -> str:
    """Name all three paths, as they are under a prefix."""
    return ", ".join(prefix + path for path in PATHS.values())


def lost(path: str, prefix: str = "") -> str:
    """Say what is wrong with a path that is none, and which one is right."""
    tidy = _tidy(path)
    shown = (f"{prefix}{path}" or "/")[:_SHOWN_CHARACTERS]
    said = [f"{shown}: no such path.", _why(tidy, prefix), f"POST to {all_of(prefix)}."]
    return " ".join(words for words in said if words)


def _why(tidy: str, prefix: str) -> str:
    foreign = _FOREIGN.get(tidy)
    if foreign is not None:
        return f"It is for {foreign}; send OTLP here."
    if "profiles" in tidy.split("/"):
        return "Profiles are not taken here."
    meant = _meant(tidy)
    if meant is None:
        return ""
    right = PATHS[meant]
    if not tidy.endswith(right):
        return f"Did you mean {prefix}{right}?"
    return (
        f"Did you mean {prefix}{right}? OTEL_EXPORTER_OTLP_ENDPOINT gets {right} added: leave "
        f"the path out of it. OTEL_EXPORTER_OTLP_{meant.upper()}_ENDPOINT is used as it is."
    )


def _meant(tidy: str) -> Signal | None:
    last = tidy.rpartition("/")[2].lower()
    close = get_close_matches(last, _NAMES, n=1, cutoff=_ALIKE)
    return _NAMES[close[0]] if close else None


def _tidy(path: str) -> str:
    return _SLASHES.sub("/", f"/{path}").rstrip("/")
