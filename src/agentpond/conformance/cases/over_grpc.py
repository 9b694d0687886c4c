"""What is gRPC's own (section c2)."""

from collections.abc import Iterator

from .. import acts, telemetry, verdicts
from ..model import Case, Check, Level, Transport, Wanted
from .bad import bad_bodies, deep
from .ways import BOTH, Way, case, ways


def grpc_cases(wanted: Wanted) -> Iterator[Case]:
    """Yield what only a gRPC endpoint can show."""
    for way in ways(Transport.GRPC, wanted, BOTH):
        yield from _bad_data(way)
        yield from _concurrent(way)
    for way in ways(Transport.GRPC, wanted):
        yield case(
            way.message(
                "a method that does not exist",
                telemetry.whole,
                path=f"/{telemetry.SERVICES[way.signal]}/Nothing",
            ),
            Check(18, verdicts.not_codes(verdicts.RETRYABLE_CODES)),
            Check(20, verdicts.not_codes({"UNKNOWN"})),
        )
        if wanted.token:
            yield case(
                way.message("a whole request without the headers", telemetry.whole, anonymous=True),
                Check(18, verdicts.asks_who),
            )


def _bad_data(way: Way) -> Iterator[Case]:
    for words, body, level in bad_bodies(way):
        yield case(
            way.raw(words, body),
            Check(17, verdicts.codes("INVALID_ARGUMENT"), level),
            Check(18, verdicts.not_codes(verdicts.RETRYABLE_CODES)),
            Check(20, verdicts.not_codes({"UNKNOWN"})),
        )
    yield case(way.message("attributes nested 30 deep", deep), Check(20, verdicts.on_purpose))


def _concurrent(way: Way) -> Iterator[Case]:
    yield case(
        way.message(f"{acts.AT_ONCE} calls at once on one connection", telemetry.whole),
        Check(15, verdicts.taken),
        act=acts.on_one_channel,
        patience=3,
    )
    yield case(
        way.message("a call while another has not sent its message", telemetry.whole),
        Check(15, verdicts.taken),
        act=acts.past_a_slow_one,
    )
    yield case(
        way.message("a call after ten that were cancelled", telemetry.whole),
        Check(15, verdicts.taken, Level.PRACTICE),
        act=acts.cancelled,
    )
