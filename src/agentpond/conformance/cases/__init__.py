"""List the cases: every rule x signal x transport x compression that makes sense."""

from collections.abc import Iterator
from dataclasses import replace

from ..model import Case, Transport, Wanted
from .basics import basic_cases
from .in_json import json_cases
from .over_grpc import grpc_cases
from .over_http import http_cases
from .when_busy import busy_cases

__all__ = ["cases"]


def cases(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    """Yield the cases of one transport that hold any of the wanted rules against an answer."""
    for case in _all(transport, wanted):
        checks = tuple(c for c in case.checks if not wanted.rules or c.rule in wanted.rules)
        if checks:
            yield replace(case, checks=checks)


def _all(transport: Transport, wanted: Wanted) -> Iterator[Case]:
    if wanted.busy:
        yield from busy_cases(transport, wanted)
        return
    yield from basic_cases(transport, wanted)
    if transport is Transport.GRPC:
        yield from grpc_cases(wanted)
        return
    yield from http_cases(transport, wanted)
    if transport is Transport.JSON:
        yield from json_cases(wanted)
