"""Say when a sender that is told to come again may do so."""

import random
from collections.abc import Callable

from .errors import Retryable

SENDER_RETRY_S = 3.0
"""When a sender is told to come again if what is in the way may last: a full log, a full disk.

The official exporters give a request up after 10 seconds (OTEL_EXPORTER_OTLP_TIMEOUT) and after 6
attempts (Python 1.45, JavaScript 0.208) or 4 (Rust's RetryPolicy::recommended), and at once if
the delay is longer than what is left. A delay of 1 s uses up the attempts in 5 s (Rust: 3 s), one
of 5 s leaves one retry. With 3 s they keep trying for 9 of the 10 seconds, and Go's and the
Collector's, which have minutes, do not come more often than we can refuse them.
"""

_SPREAD = 1 / 3


def spread_s(delay_s: float, random: Callable[[], float] = random.random) -> float:
    """Give a delay up to a third shorter or longer, so that senders do not return as a herd."""
    return delay_s * (1 + _SPREAD * (2 * random() - 1))


def spread(error: Retryable) -> Retryable:
    """Give one sender's own copy of an error that many are told."""
    return Retryable(str(error), retry_after_s=spread_s(error.retry_after_s), reason=error.reason)
