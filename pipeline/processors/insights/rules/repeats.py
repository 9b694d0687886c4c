"""Find what was tried again and again: break/fix loops, and the same input failing in a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....evidence.commands import programs_of, run_tests
from ....evidence.spending import cost_within
from ....session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ..config import Config
from ..finding import Found, Rule, evidence_of, findings, graded
from ..given import Given

_LOOP = Rule(
    "break_fix_loop",
    "loops",
    "Edits and failing test runs in turn: `{program}` failed {failures} times, with edits between. "
    "Stop it and look at the cause yourself, or have it explain the failure before the next edit.",
)
_REPEATED = Rule(
    "repeated_failure",
    "loops",
    "`{what}` failed {failures} times in a row with the same input. Say in the agent's "
    "instructions how it is done here; `agentpond insights advice` may have a line for that.",
)


def break_fix_loop(given: Given, config: Config) -> pa.RecordBatch:
    """Give each run of edits and failing tests in turn."""
    uses = given.errors.uses
    loops = given.loops
    groups = Groups(loops.of_use, len(loops))
    failing = groups.where(uses.failed)
    program = failing.first(programs_of(uses.command))
    failures = pa.array(loops.failures)
    return findings(
        _LOOP,
        Found(
            groups.first(uses.column("session_id")),
            graded(pc.greater_equal(failures, 2 * config.loop_failures)),
            {"failures": failures, "program": program, "edits": _edits(groups, uses.edits)},
            groups.min(uses.column("started_at")),
            evidence_of(groups, uses.event_id),
            subject=groups.first(uses.column("tool_call_id")),
            turn_id=groups.first(uses.column("turn_id")),
            cost_usd=_cost(given, groups),
        ),
    )


def repeated_failure(given: Given, config: Config) -> pa.RecordBatch:
    """Give each row of failures with the same input; loops of edits and tests are told apart."""
    uses = given.errors.uses
    runs = _runs(given, config)
    count = runs.counts().to_numpy()
    groups = runs.of_groups(count >= config.repeated_failures)
    long = np.flatnonzero(count >= config.repeated_failures)
    chosen = pa.array(long)
    told = (programs_of(uses.command), uses.column("tool_name"))
    what = pc.coalesce(*told, pa.scalar("unknown tool"))
    return findings(
        _REPEATED,
        Found(
            groups.first(uses.column("session_id")).take(chosen),
            graded(pa.array(count[long] >= 2 * config.repeated_failures)),
            {
                "failures": pa.array(count[long]),
                "what": groups.first(what).take(chosen),
                "tool_name": groups.first(uses.column("tool_name")).take(chosen),
            },
            groups.min(uses.column("started_at")).take(chosen),
            evidence_of(groups, uses.event_id).take(chosen),
            subject=groups.first(uses.column("tool_call_id")).take(chosen),
            turn_id=groups.first(uses.column("turn_id")).take(chosen),
            cost_usd=_cost(given, groups).take(chosen),
        ),
    )


def _runs(given: Given, config: Config) -> Groups:
    """Group failures of the same tool and sub-agent with the same input, no success between.

    Tests that were run again after an edit were not run again with the same input.
    """
    uses = given.errors.uses
    told = pc.coalesce(uses.command, uses.tool_input)
    tried = mask_of(told.is_valid()) & (uses.failed | uses.worked)
    tried &= ~_polling(given, config) & (given.loops.of_use < 0)
    edits = np.cumsum(uses.edits & uses.worked) * run_tests(uses.command)
    whose = (uses.column(name) for name in ("session_id", "tool_name", "subagent_id"))
    row = np.flatnonzero(tried)
    key = codes_of(*whose, told, pa.array(edits))[row]
    order = np.lexsort((row, key))
    of_row = np.full(len(uses), -1, dtype=np.int64)
    number = _numbered(key[order], uses.worked[row[order]])
    of_row[row[order]] = np.where(uses.failed[row[order]], number, -1)
    return Groups.of_codes(of_row)


def _polling(given: Given, config: Config) -> Mask:
    """Mask the uses of tools, and the commands, that are called again and again by nature."""
    uses = given.errors.uses
    tools = pa.array([each.lower() for each in config.polling_tools], pa.string())
    polls = mask_of(pc.is_in(pc.ascii_lower(uses.column("tool_name")), value_set=tools))
    program = programs_of(uses.command)
    for each in config.polling_commands:
        whole = pc.match_substring(uses.command, each) if " " in each else pc.equal(program, each)
        polls |= mask_of(whole)
    return polls


def _numbered(key: Numbers, worked: Mask) -> Numbers:
    """Give each row the number of its stretch: a success ends one, as another key does."""
    new = np.ones(len(key), dtype=np.bool_)
    new[1:] = (key[1:] != key[:-1]) | worked[:-1]
    numbers: Numbers = np.cumsum(new)
    return numbers


def _edits(groups: Groups, edits: Mask) -> pa.Int64Array:
    return groups.where(edits).counts()


def _cost(given: Given, groups: Groups) -> pa.DoubleArray:
    """Give what the API calls between the first and the last use of each group cost."""
    uses = given.errors.uses
    session_id = groups.first(uses.column("session_id"))
    since = groups.min(pa.array(uses.began_us))
    until = groups.max(pa.array(uses.ended_us))
    return cost_within(given.calls, session_id, since, until)
