"""Find what was paid again: caches that expired while a session idled, and compactions.

What a model has in its cache when a call begins is what the call before it read and wrote. If
that call was long ago and most of it is not read again, it had to be sent again at the full
price: the difference is what the pause cost.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....core.made import SUM_OF_TURN
from ....evidence.spending import began_us
from ....evidence.uses import micros
from ....pricing.book import PriceBook
from ....pricing.vectors import Usage, cost_of, tiers_of
from ....session.groups import Groups, Mask, Numbers, codes_of, mask_of
from ....session.searching import places
from ....session.texts import dollars
from ..config import Config
from ..finding import Found, Rule, evidence_of, findings
from ..finding import counted as in_words
from ..given import Given, of_sessions

_EXPIRED = Rule(
    "cache_expired",
    "cost",
    "{said} of more than {pause} let the cache expire, so that {tokens} tokens were paid again"
    "{extra}. Go on sooner, or begin a new session instead of an old one.",
)
_REBUILT = Rule(
    "context_rebuilt",
    "cost",
    "{said}: {tokens} tokens of context were sent anew afterwards{extra}. Clear the "
    "context between tasks, or give a task to a sub-agent, to compact less often.",
)

# Titles, suggestions and the like are calls beside the conversation.
_MAIN = r"^(?:sdk|repl_main.*)$"
_SUBAGENT = "agent:"

_KEPT = 0.5
"""A cache of which less than that is read again is taken for gone; a context that shrank below
that share was replaced, by a compaction for one, which is no fault of the cache."""

_MOST_HOURS_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class _Paid:
    """Calls that paid something again: their rows, the tokens, and US dollars.

    Only the first ``times`` of them are events of their own; the others add to the cost.
    """

    row: Numbers
    tokens: pa.Int64Array
    cost_usd: pa.DoubleArray
    times: int


@dataclass(frozen=True, slots=True)
class _Talk:
    """The calls of conversations in order of session, conversation and begin; numbers of rows.

    ``before`` is the call before each in its conversation, -1 for the first.
    """

    row: Numbers
    before: Numbers


def cache_expired(given: Given, config: Config, book: PriceBook) -> pa.RecordBatch:
    """Add up what each session paid again because it was left alone."""
    calls, talk = given.calls, _talk(given)
    some = talk.before >= 0
    row, before = talk.row[some], talk.before[some]
    lost = _lost(calls, row, before)
    pause_us = began_us(calls)[row] - micros(calls.column("time"))[before]
    idle = pause_us > config.cache_idle // timedelta(microseconds=1)
    gone = np.flatnonzero(idle & (lost >= config.cache_tokens))
    row, lost = row[gone], lost[gone]
    extra = _extra(calls.take(pa.array(row)), lost, book)
    minutes = config.cache_idle.total_seconds() / 60
    pause = pa.scalar(f"{minutes:g} minutes")
    paid = _Paid(row, pa.array(lost), extra, len(row))
    return _told(given, _EXPIRED, paid, ("pause", "pauses"), pause)


def context_rebuilt(given: Given, config: Config, book: PriceBook) -> pa.RecordBatch:
    """Add up what the calls right after compactions sent anew, and the compactions themselves."""
    calls, talk = given.calls, _talk(given)
    row = _after_compactions(given, talk)
    times = np.bincount(_sessions(given)[row], minlength=len(given.ids))
    row = row[times[_sessions(given)[row]] >= config.compactions]
    sent = _column(calls, "input_tokens")[row] + _column(calls, "cache_write_tokens")[row]
    taken = calls.take(pa.array(row))
    cost = _cost(taken, sent, read=np.zeros_like(sent), book=book)
    compact = np.flatnonzero(mask_of(pc.equal(calls.column("query_source"), "compact")))
    compact = compact[np.isin(_sessions(given)[compact], _sessions(given)[row])]
    paid = pa.concat_arrays([cost, calls.column("cost_usd").take(pa.array(compact))])
    tokens = pa.concat_arrays([pa.array(sent), pa.nulls(len(compact), pa.int64())])
    found = _Paid(np.concatenate([row, compact]), tokens, paid, len(row))
    return _told(given, _REBUILT, found, ("compaction", "compactions"), pa.scalar(""))


def _told(
    given: Given, rule: Rule, paid: _Paid, said: tuple[str, str], pause: pa.StringScalar
) -> pa.RecordBatch:
    groups = Groups(_sessions(given)[paid.row], len(given.ids))
    counted = groups.where(np.arange(len(paid.row)) < paid.times)
    times = counted.counts()
    chosen = pa.array(mask_of(pc.greater(times, 0)).nonzero()[0])
    cost = _sum_if_all(groups, paid.cost_usd).take(chosen)
    extra = pc.binary_join_element_wise(", for ", dollars(cost), "")
    time = given.calls.column("time").take(pa.array(paid.row))
    return findings(
        rule,
        Found(
            given.ids.take(chosen),
            pa.repeat(pa.scalar("info"), len(chosen)),
            {"times": times.take(chosen), "tokens": counted.sum(paid.tokens).take(chosen)},
            counted.min(time).take(chosen),
            evidence_of(counted, given.events_of_calls(paid.row)).take(chosen),
            words={
                "extra": pc.fill_null(extra, ""),
                "pause": pa.repeat(pause, len(chosen)),
                "said": in_words(times.take(chosen), *said),
            },
            cost_usd=cost,
        ),
    )


def _sum_if_all(groups: Groups, cost_usd: pa.DoubleArray) -> pa.DoubleArray:
    """Add up what each group cost; NULL where a part of it has no price."""
    unpriced = groups.any(mask_of(cost_usd.is_null()))
    return pc.if_else(pa.array(unpriced), pa.scalar(None, pa.float64()), groups.sum(cost_usd))


def _talk(given: Given) -> _Talk:
    """Put the calls of conversations in order."""
    calls = given.calls
    main = _main(calls) | _named_subagent(calls)
    single = ~mask_of(pc.equal(calls.column("usage_source"), "metrics"))
    single &= ~mask_of(pc.ends_with(calls.column("api_call_id"), SUM_OF_TURN))
    worked = ~mask_of(pc.invert(calls.column("success")))
    used = mask_of(calls.column("cost_status").is_valid())
    used &= mask_of(calls.column("time").is_valid())
    row = np.flatnonzero(main & single & worked & used & (_sessions(given) >= 0))
    names = ("session_id", "model", "query_source", "subagent_id")
    key = codes_of(*(calls.column(name) for name in names))[row]
    order = np.lexsort((row, began_us(calls)[row], key))
    row, key = row[order], key[order]
    before = np.full(len(row), -1, dtype=np.int64)
    same = np.flatnonzero(key[1:] == key[:-1]) + 1
    before[same] = row[same - 1]
    return _Talk(row, before)


def _main(calls: pa.RecordBatch) -> Mask:
    """Mask the calls of the main conversation: Codex names no source."""
    source = calls.column("query_source")
    return mask_of(source.is_null()) | mask_of(pc.match_substring_regex(source, _MAIN))


def _named_subagent(calls: pa.RecordBatch) -> Mask:
    """Mask the calls of sub-agents that can be told from others of their kind."""
    kind = mask_of(pc.starts_with(calls.column("query_source"), _SUBAGENT))
    return kind & mask_of(calls.column("subagent_id").is_valid())


def _lost(calls: pa.RecordBatch, row: Numbers, before: Numbers) -> Numbers:
    """Count the tokens that were in the cache after the call before, and are not read now."""
    read, whole = _column(calls, "cache_read_tokens"), _whole(calls)
    kept = (read + _column(calls, "cache_write_tokens"))[before]
    now = read[row]
    gone = (now < _KEPT * kept) & (whole[row] >= _KEPT * whole[before])
    missing = np.minimum(kept - now, (whole - read)[row])
    lost: Numbers = np.where(gone, np.maximum(missing, 0), 0)
    return lost


def _extra(calls: pa.RecordBatch, lost: Numbers, book: PriceBook) -> pa.DoubleArray:
    """Give what tokens cost as they were sent, less what they cost when read from a cache."""
    as_sent = _cost(calls, lost, read=np.zeros_like(lost), book=book)
    return pc.subtract(as_sent, _cost(calls, np.zeros_like(lost), read=lost, book=book))


def _cost(calls: pa.RecordBatch, sent: Numbers, read: Numbers, book: PriceBook) -> pa.DoubleArray:
    """Price some input of calls, as part of them: sent anew, or read from the cache.

    Of what was sent anew as much was written to the cache as the call wrote, and of that as much
    for an hour as the ledger has found.
    """
    if not len(sent):
        return pa.array([], pa.float64())
    write = np.minimum(_column(calls, "cache_write_tokens"), sent)
    hour = np.minimum(_column(calls, "cache_write_1h_tokens"), write)
    nothing = np.zeros_like(sent)
    usage = Usage((sent - write, read, write - hour, hour, nothing, nothing), sent < 0, sent < 0)
    tiers = tiers_of(calls, calls.column("time"), _whole(calls), book)
    cost = cost_of(usage, tiers)
    return pa.array(cost, mask=np.isnan(cost))


def _after_compactions(given: Given, talk: _Talk) -> Numbers:
    """Give the first call of the main conversation after each compaction, within an hour of it."""
    steps, calls = given.steps, given.calls
    done = mask_of(pc.equal(steps.column("event_type"), "compaction"))
    done &= ~mask_of(pc.invert(steps.column("success"))) & mask_of(steps.column("time").is_valid())
    moments = steps.filter(pa.array(done))
    place, since = of_sessions(moments, given.ids).of_row, micros(moments.column("time"))
    main = talk.row[_main(calls)[talk.row]]
    if not len(main):
        return main
    began, session = began_us(calls), _sessions(given)
    order = main[np.lexsort((began[main], session[main]))]
    at = places(session[order], began[order], place, since)
    row = order[np.minimum(at, len(order) - 1)]
    inside = (at < len(order)) & (session[row] == place) & (began[row] - since < _MOST_HOURS_US)
    return np.unique(row[inside])


def _sessions(given: Given) -> Numbers:
    return given.main.of_row


def _whole(calls: pa.RecordBatch) -> Numbers:
    """Count all input of calls: what their price's tier goes by."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    fresh, read, write = (_column(calls, name) for name in names)
    return fresh + read + write


def _column(calls: pa.RecordBatch, name: str) -> Numbers:
    numbers: Numbers = pc.fill_null(calls.column(name), 0).to_numpy()
    return numbers
