"""What is HTTP's own (section c3)."""

import gzip
from collections.abc import Callable, Iterator
from functools import partial

from .. import acts, telemetry, verdicts
from ..lines_http import CONTENT_TYPES
from ..model import Act, Case, Check, Level, Transport, Wanted
from ..writing import written
from .bad import bad_bodies, deep
from .ways import BOTH, Way, case, heads, ways

METHODS = ("GET", "PUT", "DELETE")


def http_cases(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    """Yield what only an HTTP endpoint can show, in one encoding."""
    for way in ways(transport, wanted, BOTH):
        yield from _bad_data(way)
        yield from _framing(way)
        yield _accepts_gzip(way)
    for way in ways(transport, wanted):
        yield from _connections(way)
        yield from _content_types(way)
        yield from _wrong_places(way)
        yield from _wrong_types(way)
        yield from _wrong_gzip(way)
        if wanted.token:
            yield _nobody(way)
    # Once is enough: it is about connections, and each request waits for a disk.
    yield _kept(next(ways(transport, wanted)))


def _bad_data(way: Way) -> Iterator[Case]:
    for words, body, level in bad_bodies(way):
        yield case(
            way.raw(words, body),
            Check(30, verdicts.statuses(400), level),
            Check(30, verdicts.bad_request_details, Level.SHOULD),
            *_said(),
        )
    yield case(way.message("attributes nested 30 deep", deep), Check(32, verdicts.on_purpose))


def _said() -> tuple[Check, ...]:
    """Expect of any refusal that it is a Status, of the request's type, and no 5xx."""
    return (
        Check(29, verdicts.is_status),
        Check(26, verdicts.same_type),
        Check(32, verdicts.on_purpose),
    )


def _framing(way: Way) -> Iterator[Case]:
    told: list[tuple[str, Act]] = [
        ("a body in chunks", acts.chunked),
        ("a body of one-byte writes", acts.byte_by_byte),
        ("a body after Expect: 100-continue", acts.expecting),
        ("a whole request after ten that broke off", acts.gone_in_the_middle),
    ]
    for words, act in told:
        yield case(
            way.message(words, telemetry.whole), Check(33, verdicts.taken), act=act, patience=3
        )


def _accepts_gzip(way: Way) -> Case:
    shot = way.message(
        "a whole request, Accept-Encoding: gzip",
        telemetry.whole,
        headers=heads(accept_encoding="gzip"),
    )
    return case(shot, Check(27, verdicts.gzip_if_any), Check(1, verdicts.taken))


def _kept(way: Way) -> Case:
    return case(
        way.message(f"{acts.KEPT} requests on one connection", telemetry.whole),
        Check(23, verdicts.taken, Level.SAYS),
        act=acts.kept_alive,
        patience=10,
    )


def _connections(way: Way) -> Iterator[Case]:
    yield case(
        way.message(f"{acts.AT_ONCE} requests at once, each on its connection", telemetry.whole),
        Check(23, verdicts.taken, Level.SAYS),
        act=acts.on_many_connections,
        patience=3,
    )
    yield case(
        way.message(f"{acts.PIPELINED} requests sent before the first answer", telemetry.whole),
        Check(23, verdicts.if_taken),
        act=acts.pipelined,
        patience=3,
    )


def _content_types(way: Way) -> Iterator[Case]:
    usual = CONTENT_TYPES[way.transport]
    for told in (f"{usual}; charset=utf-8", f'{usual};charset="UTF-8"', usual.upper()):
        yield case(
            way.message(f"Content-Type: {told}", telemetry.whole, headers=heads(content_type=told)),
            Check(24, verdicts.taken, Level.PRACTICE),
            Check(26, verdicts.same_type_if_taken),
        )
    lower = {"Content-Type": None, "content-type": usual}
    yield case(
        way.message("header names in lower case", telemetry.whole, headers=lower),
        Check(24, verdicts.taken, Level.PRACTICE),
    )


def _wrong_places(way: Way) -> Iterator[Case]:
    right = telemetry.PATHS[way.signal]
    wrong = {
        "a path without its last letter": right[:-1],
        "a path told twice": f"{right}{right}",
        "a path that is none": "/v1/nothing",
    }
    for words, path in wrong.items():
        yield case(
            way.message(words, telemetry.whole, path=path),
            Check(33, verdicts.statuses(404)),
            Check(33, verdicts.says("/v1/", "name the right path")),
            Check(29, verdicts.is_status),
        )
    for method in METHODS:
        yield case(
            way.raw(f"{method} instead of POST", lambda: b"", method=method),
            Check(33, verdicts.statuses(405)),
            Check(33, verdicts.header("Allow", "POST")),
            Check(29, verdicts.is_status),
        )
    yield case(
        way.message("a body without a length", telemetry.whole),
        Check(33, verdicts.measured),
        # A server that reads on takes the body for a request of its own, without any type.
        Check(29, verdicts.is_any_status),
        act=acts.without_length,
    )


def _wrong_types(way: Way) -> Iterator[Case]:
    for told in ("text/plain", "application/x-www-form-urlencoded", "application/xml", None):
        headers = heads(content_type=told, accept=CONTENT_TYPES[way.transport])
        yield case(
            way.message(f"Content-Type: {told or 'none'}", telemetry.whole, headers=headers),
            Check(33, verdicts.statuses(415) if told else verdicts.statuses(400, 415)),
            Check(29, verdicts.is_any_status),
        )
    for told in ("nothing-known", "gzip, nothing-known"):
        headers = heads(content_encoding=told)
        yield case(
            way.message(f"Content-Encoding: {told}", telemetry.whole, headers=headers),
            Check(33, verdicts.statuses(400, 415)),
            Check(29, verdicts.is_status),
        )


def _wrong_gzip(way: Way) -> Iterator[Case]:
    whole = partial(_whole, way)
    headers = heads(content_encoding="gzip")
    broken: dict[str, Callable[[], bytes]] = {
        "gzip cut in the middle": lambda: gzip.compress(whole(), mtime=0)[:-20],
        "gzip with a wrong checksum": lambda: gzip.compress(whole(), mtime=0)[:-8] + bytes(8),
        "no gzip, told to be gzip": whole,
    }
    for words, body in broken.items():
        yield case(
            way.raw(words, body, headers=headers), Check(33, verdicts.statuses(400)), *_said()
        )
    # RFC 1952, 2.2: "A gzip file consists of a series of members".
    members = way.raw("gzip of two members", lambda: _in_two(whole()), headers=headers)
    yield case(members, Check(1, verdicts.taken, Level.PRACTICE))


def _whole(way: Way) -> bytes:
    return written(telemetry.whole(way.signal, way.at_ns), way.transport)


def _in_two(body: bytes) -> bytes:
    half = len(body) // 2
    return gzip.compress(body[:half], mtime=0) + gzip.compress(body[half:], mtime=0)


def _nobody(way: Way) -> Case:
    return case(
        way.message("a whole request without the headers", telemetry.whole, anonymous=True),
        Check(33, verdicts.asks_who),
        Check(29, verdicts.is_status),
    )
