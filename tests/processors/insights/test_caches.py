"""What was paid again after a pause or a compaction is counted, in tokens and US dollars.

Prices are those of `claude-sonnet-4-5`, in US dollars for a million tokens: input 3, output 15,
read from the cache 0.3, written to it 3.75.
"""

from typing import Any

import pytest

from agentpond.pipeline.core.made import SUM_OF_TURN

from ...evidence.happened import at, prompt, told
from .given import Row, call, found, given, refused


def cached(seconds: float, read: int, write: int, fresh: int = 10, **columns: Any) -> Row:
    """Make a call with so many tokens read from the cache and written to it; it took 5 s."""
    tokens = {"cache_read_tokens": read, "cache_write_tokens": write, "input_tokens": fresh}
    return call(seconds, duration_ms=5000.0, **{**tokens, **columns})


def compacted(seconds: float, **columns: Any) -> Row:
    return {"event_type": "compaction", "time": at(seconds), "success": True, **columns}


def expired(*calls: Row, **options: Any) -> list[Row]:
    batch = told(prompt(0, "Go."), prompt(0, "Go.", session_id="other"))
    return found("cache_expired", given(batch, api_calls=calls), **options)


def rebuilt(*rows: Row, **options: Any) -> list[Row]:
    """Look at calls, and events that tell of compactions."""
    events = [row for row in rows if "event_type" in row]
    calls = [row for row in rows if "event_type" not in row]
    return found(
        "context_rebuilt", given(told(prompt(0, "Go."), *events), api_calls=calls), **options
    )


FIRST = cached(0, 0, 20_000)
LATE = cached(306, 0, 20_100)


def test_what_was_in_the_cache_and_is_written_again_after_a_pause_is_found() -> None:
    (row,) = expired(FIRST, LATE)

    assert row["payload"] == {"times": 1, "tokens": 20_000}
    # 20,000 tokens written at 3.75 a million, in place of read at 0.3.
    assert row["cost_usd"] == pytest.approx(0.069)
    assert row["message"].startswith(
        "1 pause of more than 5 minutes let the cache expire, so that 20000 tokens were paid "
        "again, for $0.0690."
    )
    assert (row["severity"], row["category"], row["at"]) == ("info", "cost", at(306))


def test_what_is_sent_again_and_not_written_costs_the_price_of_input() -> None:
    (row,) = expired(FIRST, cached(306, 0, 0, fresh=20_100))

    assert row["cost_usd"] == pytest.approx(20_000 * (3 - 0.3) / 1e6)


def test_a_pause_of_five_minutes_is_not_found() -> None:
    assert expired(FIRST, cached(305, 0, 20_100)) == []


def test_how_long_a_pause_must_be_can_be_set() -> None:
    assert [len(expired(FIRST, LATE, cache_idle=idle)) for idle in ("5m", "301s")] == [1, 0]


def test_the_pause_is_said_as_it_was_set() -> None:
    (row,) = expired(FIRST, LATE, cache_idle="30s")

    assert "1 pause of more than 0.5 minutes" in row["message"]


def test_at_least_5000_tokens_must_be_lost() -> None:
    lost = [len(expired(cached(0, 0, size), cached(306, 0, size))) for size in (4_999, 5_000)]

    assert lost == [0, 1]


def test_how_many_tokens_must_be_lost_can_be_set() -> None:
    assert [len(expired(FIRST, LATE, cache_tokens=least)) for least in (20_000, 20_001)] == [1, 0]


def test_a_cache_that_is_read_after_the_pause_did_not_expire() -> None:
    assert expired(FIRST, cached(306, 20_000, 100)) == []


def test_a_pause_after_which_half_of_the_cache_is_read_lost_none() -> None:
    assert expired(FIRST, cached(306, 10_000, 10_000)) == []


def test_a_context_that_shrank_was_replaced_and_not_lost() -> None:
    assert expired(FIRST, cached(306, 0, 9_000)) == []


def test_no_more_is_lost_than_was_sent_again() -> None:
    (row,) = expired(FIRST, cached(306, 0, 12_000))

    assert row["payload"]["tokens"] == 12_010


def test_pauses_add_up() -> None:
    (row,) = expired(FIRST, LATE, cached(700, 0, 20_200))

    assert row["payload"] == {"times": 2, "tokens": 40_100}
    assert row["cost_usd"] == pytest.approx(40_100 * (3.75 - 0.3) / 1e6)
    assert row["message"].startswith("2 pauses of more than 5 minutes")


@pytest.mark.parametrize(
    "other",
    [
        {"query_source": "generate_session_title"},
        {"model": "claude-haiku-4-5-20251001"},
        {"query_source": "agent:reviewer", "subagent_id": "a"},
        {"session_id": "other"},
    ],
)
def test_a_call_of_another_conversation_has_another_cache(other: Row) -> None:
    assert expired(FIRST, {**LATE, **other}) == []


def test_a_call_of_another_conversation_does_not_keep_a_cache_warm() -> None:
    title = cached(200, 0, 0, query_source="generate_session_title")

    assert len(expired(FIRST, title, LATE)) == 1


def test_a_call_that_failed_is_passed_over() -> None:
    assert len(expired(FIRST, refused(303), LATE)) == 1


@pytest.mark.parametrize(
    "told_by", [{"usage_source": "metrics"}, {"api_call_id": f"t{SUM_OF_TURN}"}, {"time": None}]
)
def test_what_is_no_single_call_of_a_moment_is_passed_over(told_by: Row) -> None:
    assert expired(FIRST, {**LATE, **told_by}) == []


def test_without_a_price_tokens_are_told_and_dollars_are_not() -> None:
    calls = [{**each, "model": "llama-9", "cost_status": "unpriced"} for each in (FIRST, LATE)]

    (row,) = expired(*calls)

    assert (row["payload"]["tokens"], row.get("cost_usd")) == (20_000, None)
    assert "20000 tokens were paid again. Go on sooner" in row["message"]


def test_prices_of_your_own_are_used(tmp_path: Any) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nmodel = "claude-sonnet-4-5-20250929"\ninput = 10.0\noutput = 20.0\n'
        "cache_read = 1.0\ncache_write = 11.0\n"
    )

    (row,) = expired(FIRST, LATE, prices=prices)

    assert row["cost_usd"] == pytest.approx(0.2)


def test_the_event_of_the_call_that_paid_is_the_evidence() -> None:
    request = {"event_type": "api_request", "model": FIRST["model"], "output_tokens": 5}
    usage = {"input_tokens": 10, "cache_read_tokens": 0, "cache_write_tokens": 20_000}
    events = [
        {**request, **usage, "time": at(seconds), "request_id": f"req-{seconds}"}
        for seconds in (1, 400)
    ]

    (row,) = found("cache_expired", given(told(prompt(0, "Go."), *events)))

    assert row["evidence"] == [3]


def test_its_id_stays_the_same_when_another_cache_expires() -> None:
    rows = [expired(FIRST, LATE)[0], expired(FIRST, LATE, cached(700, 0, 20_200))[0]]

    assert len({row["insight_id"] for row in rows}) == 1


def test_what_is_sent_after_a_compaction_is_found() -> None:
    (row,) = rebuilt(compacted(10), cached(20, 0, 8_000, fresh=100), cached(30, 8_000, 50))

    assert row["payload"] == {"times": 1, "tokens": 8_100}
    # 8,000 tokens written at 3.75 a million, and 100 of input at 3.
    assert row["cost_usd"] == pytest.approx(0.0303)
    assert row["message"].startswith(
        "1 compaction: 8100 tokens of context were sent anew afterwards, for $0.0303."
    )
    assert (row["severity"], row["category"], row["at"]) == ("info", "cost", at(20))


def test_the_compaction_itself_is_part_of_the_cost() -> None:
    compacting = call(9, query_source="compact", cost_usd=0.05)

    (row,) = rebuilt(compacting, compacted(10), cached(20, 0, 8_000, fresh=100))

    assert (row["payload"]["times"], row["payload"]["tokens"]) == (1, 8_100)
    assert row["cost_usd"] == pytest.approx(0.0803)


def test_without_a_compaction_nothing_was_rebuilt() -> None:
    assert rebuilt(cached(20, 0, 8_000), call(9, query_source="compact")) == []


def test_a_call_that_had_begun_before_the_compaction_is_not_the_one_after_it() -> None:
    (row,) = rebuilt(cached(14, 0, 500), compacted(10), cached(20, 0, 8_000))

    assert row["payload"]["tokens"] == 8_010


def test_a_call_more_than_an_hour_after_a_compaction_is_not_for_its_sake() -> None:
    rows = [rebuilt(compacted(10), cached(10 + seconds, 0, 8_000)) for seconds in (3604, 3605)]

    assert [len(each) for each in rows] == [1, 0]


@pytest.mark.parametrize("other", [{"success": False}, {"time": None}, {"session_id": "other"}])
def test_a_compaction_that_failed_or_was_elsewhere_rebuilt_nothing(other: Row) -> None:
    assert rebuilt(compacted(10, **other), cached(20, 0, 8_000)) == []


def test_two_compactions_add_up() -> None:
    (row,) = rebuilt(compacted(10), cached(20, 0, 8_000), compacted(100), cached(120, 0, 6_000))

    assert row["payload"] == {"times": 2, "tokens": 14_020}
    assert row["message"].startswith("2 compactions: 14020 tokens")


def test_how_many_compactions_it_takes_can_be_set() -> None:
    rows = (compacted(10), cached(20, 0, 8_000), compacted(30), cached(40, 0, 8_000))

    assert [len(rebuilt(*rows, compactions=least)) for least in (2, 3)] == [1, 0]


@pytest.mark.parametrize("rule", ["cache_expired", "context_rebuilt"])
def test_it_can_be_switched_off(rule: str) -> None:
    sessions = given(told(prompt(0, "Go."), compacted(10)), api_calls=[FIRST, LATE])

    assert (len(found(rule, sessions)), found(rule, sessions, off=[rule])) == (1, [])


def test_sub_agents_of_one_kind_that_are_not_told_apart_have_no_cache_in_common() -> None:
    kind: Row = {"query_source": "agent:builtin:Explore"}

    assert expired(cached(0, 0, 20_000, **kind), cached(306, 0, 20_100, **kind)) == []


def test_a_sub_agent_that_is_told_apart_has_a_cache_of_its_own() -> None:
    one: Row = {"query_source": "agent:builtin:Explore", "subagent_id": "a"}

    assert len(expired(cached(0, 0, 20_000, **one), cached(306, 0, 20_100, **one))) == 1


def test_what_is_kept_for_an_hour_costs_twice_the_input_to_write_again() -> None:
    (row,) = expired(FIRST, cached(306, 0, 20_100, cache_write_1h_tokens=20_100))

    assert row["cost_usd"] == pytest.approx(20_000 * (6 - 0.3) / 1e6)


def test_a_sum_of_which_a_part_has_no_price_is_not_told() -> None:
    unpriced: Row = {"model": "nobody-knows"}
    calls = [cached(0, 0, 20_000, **unpriced), cached(306, 0, 20_100, **unpriced)]

    (row,) = expired(FIRST, LATE, *calls)

    assert (row["payload"]["times"], row.get("cost_usd")) == (2, None)


def test_a_sub_agents_call_is_not_what_follows_a_compaction() -> None:
    other = cached(20, 0, 40_000, query_source="agent:builtin:Explore", subagent_id="a")

    (row,) = rebuilt(compacted(10), other, cached(40, 0, 8_000))

    assert row["payload"]["tokens"] == 8_010
