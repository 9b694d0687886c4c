"""What is seen while the receiver refuses everything for now: back-pressure."""

from collections.abc import Iterator

from .. import telemetry, verdicts
from ..model import Case, Check, Transport, Wanted
from .ways import BOTH, case, ways


def busy_cases(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    """Yield what is seen while the receiver refuses everything for now."""
    checks = (
        (
            Check(10, verdicts.refused),
            Check(16, verdicts.codes("UNAVAILABLE")),
            Check(19, verdicts.codes("UNAVAILABLE")),
            Check(19, verdicts.delay),
            Check(21, verdicts.delay),
        )
        if transport is Transport.GRPC
        else (
            Check(10, verdicts.refused),
            Check(31, verdicts.statuses(429, 503)),
            Check(31, verdicts.retry_after),
            Check(32, verdicts.statuses(*verdicts.RETRYABLE_STATUSES)),
            Check(29, verdicts.is_status),
            Check(26, verdicts.same_type),
        )
    )
    for way in ways(transport, wanted, BOTH):
        yield case(way.message("a whole request", telemetry.whole), *checks)
