"""Find sessions whose API calls failed: retries, and refusals for rate or overload."""

import pyarrow as pa
import pyarrow.compute as pc

from ....session.groups import Mask, mask_of
from ..config import Config
from ..finding import Found, Rule, counted, evidence_of, findings, graded
from ..given import Given, of_sessions

_RETRIES = Rule(
    "retries",
    "errors",
    "{calls} failed{said}. What is asked again costs time, and is paid twice where an answer "
    "broke off: see whether the network, a proxy or the request itself is at fault.",
)
_RATE = Rule(
    "rate_limits",
    "errors",
    "{calls} refused for rate or overload{said}. Run fewer sessions at once, or ask for a "
    "higher limit.",
)
_RATES = pa.array(["rate_limit", "overloaded"])

_NONE = pa.scalar(None, pa.string())


def retries(given: Given, config: Config) -> pa.RecordBatch:
    """Count the API calls of each session that failed, but for rates."""
    words = "API call", "API calls"
    return _counted(given, _RETRIES, ~_by_rate(given), words, config.retries)


def rate_limits(given: Given, config: Config) -> pa.RecordBatch:
    """Count the API calls of each session that were refused for rate or overload."""
    words = "API call was", "API calls were"
    return _counted(given, _RATE, _by_rate(given), words, config.rate_limits)


def _by_rate(given: Given) -> Mask:
    return mask_of(pc.is_in(given.names.category, value_set=_RATES))


def _counted(
    given: Given, rule: Rule, kind: Mask, words: tuple[str, str], least: int
) -> pa.RecordBatch:
    errors = given.errors
    groups = of_sessions(errors.rows, given.ids, errors.of("api") & kind)
    failed = groups.counts()
    chosen = pa.array(mask_of(pc.greater_equal(failed, least)).nonzero()[0])
    waited = groups.sum(given.calls.column("duration_ms").take(errors.column("call")))
    line = pc.if_else(given.names.silent, _NONE, given.names.line)
    example = groups.first(line).take(chosen)
    said = pc.fill_null(pc.binary_join_element_wise(' ("', example, '")', ""), "")
    return findings(
        rule,
        Found(
            given.ids.take(chosen),
            graded(pc.greater_equal(failed, 10 * least).take(chosen)),
            {
                "failed": failed.take(chosen),
                "waited_ms": waited.take(chosen),
                "example": example,
            },
            groups.min(errors.column("at")).take(chosen),
            evidence_of(groups, errors.column("event_id")).take(chosen),
            words={"calls": counted(failed.take(chosen), *words), "said": said},
        ),
    )
