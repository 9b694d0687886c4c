"""Tell until when each error mattered: until the same tool worked again, or the turn was over."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ..session.searching import places
from .errors import Errors
from .uses import Uses, micros


@dataclass(frozen=True, slots=True)
class After:
    """For each error: when it was known, and until when it mattered, in Unix microseconds.

    Until the same tool worked again (``by`` is that use, NULL where it never did), else until
    the last of the turn; no longer than it was told to. An error whose time or tool is not told
    mattered for no time.
    """

    since_us: Numbers
    until_us: Numbers
    by: pa.Int64Array
    resolved: Mask
    """Whether the same tool, or for an API call the same model, worked again; never told of
    hooks, MCP servers and compactions."""


def after_of(errors: Errors, longest_us: int) -> After:
    """Tell until when each error mattered, at most ``longest_us`` after it."""
    since_us = micros(errors.column("at"))
    timed, none = errors.column("at").is_valid(), pa.scalar(None, pa.int64())
    by = pc.if_else(timed, _next_success(errors, since_us), none)
    began = pc.take(pa.array(errors.uses.began_us), by)
    ended = pc.coalesce(began, _turn_end(errors))
    known = pc.and_(timed, errors.column("tool_name").is_valid())
    until = pc.if_else(known, ended, none)
    answered = _answered(errors, since_us) & mask_of(timed)
    resolved = mask_of(by.is_valid()) | answered
    until_us = np.minimum(_numbers(until, since_us), since_us + longest_us)
    return After(since_us, until_us, by, resolved)


def _next_success(errors: Errors, since_us: Numbers) -> pa.Int64Array:
    """Give the first use of the same tool that began after each error and worked."""
    uses = errors.uses
    names = ("session_id", "tool_name", "mcp_server")
    keys, sought = ([part.column(name) for name in names] for part in (uses, errors))
    usable = uses.worked & mask_of(uses.column("tool_name").is_valid())
    return _first_after((keys, uses.began_us, usable), sought, since_us)


def _answered(errors: Errors, since_us: Numbers) -> Mask:
    """Mask the API calls that failed after which one of the same model succeeded."""
    calls = errors.calls
    names = ("session_id", "model")
    keys = [calls.column(name) for name in names]
    sought = [errors.column("session_id"), calls.column("model").take(errors.column("call"))]
    good = mask_of(calls.column("success"))
    found = _first_after((keys, micros(calls.column("time")), good), sought, since_us)
    return mask_of(found.is_valid()) & errors.of("api")


def _first_after(
    rows: tuple[list[pa.Array], Numbers, Mask], sought: list[pa.Array], since_us: Numbers
) -> pa.Int64Array:
    """Give the first usable row with the same key that is not before a time; NULL for none.

    ``rows`` are their keys, their times, and which may be found.
    """
    keys, times, usable = rows
    both = [pa.concat_arrays([key, other]) for key, other in zip(keys, sought, strict=True)]
    code = np.unique(codes_of(*both), return_inverse=True)[1].ravel()
    own, wanted = code[: len(times)], code[len(times) :]
    row = np.flatnonzero(usable)
    if not len(row):
        return pa.nulls(len(since_us), pa.int64())
    order = row[np.lexsort((row, times[row], own[row]))]
    at = places(own[order], times[order], wanted, since_us)
    found = order[np.minimum(at, len(order) - 1)]
    return pa.array(found, mask=(at >= len(order)) | (own[found] != wanted))


def _turn_end(errors: Errors) -> pa.Int64Array:
    """Give when the last API call or use of a tool of each error's turn was over."""
    parts = (errors.uses.calls, errors.calls)
    names = ("session_id", "turn_id")
    told = [
        pa.concat_arrays([errors.column(name), *(part.column(name) for part in parts)])
        for name in names
    ]
    groups = Groups.by(*told, where=mask_of(told[1].is_valid()))
    none = pa.nulls(len(errors), pa.int64())
    ends = [pa.array(errors.uses.ended_us), errors.calls.column("time").cast(pa.int64())]
    # Of some calls only the end is told: the last is part of the turn too.
    last = pc.add(groups.max(pa.concat_arrays([none, *ends])), 1)
    return groups.spread(last).slice(0, len(errors))


def _numbers(us: pa.Int64Array, otherwise: Numbers) -> Numbers:
    return np.where(mask_of(us.is_valid()), pc.fill_null(us, 0).to_numpy(), otherwise)


def how_it_worked(uses: Uses, after: After) -> pa.StringArray:
    """Give the command with which each error's tool worked again, where it is told."""
    return uses.command.take(after.by)
