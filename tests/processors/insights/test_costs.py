"""A session's cost is held against its own history; models without a price are told of."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ...evidence.happened import MORNING, at, prompt, told
from .given import DAY, POND, Row, before, call, eight, found, given, insights_of, session


def _often(count: int) -> list[Row]:
    """Make sessions of an hour, three hours apart, the last one first."""
    hours = [timedelta(hours=3 * number + 3) for number in range(count)]
    return [
        before(
            number,
            started_at=MORNING - ago,
            last_seen_at=MORNING - ago + timedelta(hours=1),
        )
        for number, ago in enumerate(hours)
    ]


def outliers(
    cost_usd: float | None, *earlier: Row, own: Row | None = None, **options: Any
) -> list[Row]:
    """Look at a session of the repository `pond` that cost so much."""
    row = {**session(cost_usd=cost_usd, **POND), **(own or {})}
    sessions = given(told(prompt(0, "Go.")), api_calls=[], tool_calls=[], sessions=[row, *earlier])
    return found("cost_outlier", sessions, **options)


def test_a_session_far_dearer_than_its_repositorys_last_ones_is_found() -> None:
    (row,) = outliers(2.0, *eight())

    # A tenth of the median stands in for a spread of 0, five of it above the median.
    assert row["payload"] == {
        "cost_usd": 2.0,
        "median_usd": 1.0,
        "limit_usd": 1.5,
        "sessions": 8,
        "whose": "repository",
    }
    assert row["message"].startswith(
        "It cost $2.00, where the last 8 sessions of the same repository had a median of $1.00."
    )
    assert (row["severity"], row["category"], row["evidence"]) == ("warning", "cost", [])
    assert (row["at"], row["cost_usd"]) == (at(0), 1.0)


def test_a_session_at_the_limit_is_not() -> None:
    assert outliers(1.5, *eight()) == []


def test_more_than_twice_the_limit_is_critical() -> None:
    severities = [outliers(cost, *eight())[0]["severity"] for cost in (3.0, 3.01)]

    assert severities == ["warning", "critical"]


def test_costs_that_vary_make_the_limit_higher() -> None:
    earlier = [before(number, float(number)) for number in range(1, 10)]

    # The median of 1..9 is 5, its distances' median 2: 5 + 5 * 2 * 1.4826.
    assert outliers(19.8, *earlier) == []
    assert outliers(19.9, *earlier)[0]["payload"]["limit_usd"] == pytest.approx(19.826)


def test_one_session_that_was_far_dearer_does_not_move_the_limit() -> None:
    (row,) = outliers(2.0, *eight(), before(20, 1000.0))

    assert row["payload"]["limit_usd"] == 1.5


def test_how_far_out_of_line_it_must_be_can_be_set() -> None:
    assert [len(outliers(2.0, *eight(), cost_spread=spread)) for spread in (9.9, 10.0)] == [1, 0]


def test_with_too_few_earlier_sessions_nothing_is_told() -> None:
    assert outliers(100.0, *eight()[:7]) == []


def test_how_many_earlier_sessions_it_takes_can_be_set() -> None:
    earlier = eight()[:4]

    assert [len(outliers(100.0, *earlier, cost_sessions=least)) for least in (4, 5)] == [1, 0]


def test_cheap_sessions_are_never_told_of() -> None:
    earlier = eight(0.001)

    assert outliers(0.09, *earlier) == []
    assert len(outliers(0.11, *earlier)) == 1
    assert len(outliers(0.09, *earlier, cost_least_usd=0.05)) == 1


def test_a_session_without_a_price_is_not_cheap_or_dear() -> None:
    assert outliers(None, *eight()) == []


def test_earlier_sessions_without_a_price_do_not_count() -> None:
    earlier = [*eight()[:7], before(9, None)]

    assert outliers(100.0, *earlier) == []


def test_of_more_than_50_the_last_50_count() -> None:
    earlier = [
        {**row, "cost_usd": 500.0} if place >= 50 else row for place, row in enumerate(_often(150))
    ]

    (row,) = outliers(2.0, *earlier)

    assert (row["payload"]["sessions"], row["payload"]["median_usd"]) == (50, 1.0)


def _over(days: int, seconds: int) -> Row:
    over = MORNING - days * DAY - timedelta(seconds=seconds)
    return {"started_at": over - timedelta(hours=1), "last_seen_at": over}


def test_sessions_that_were_over_30_days_before_count_and_older_ones_do_not() -> None:
    last, older = (before(40, **_over(30, seconds)) for seconds in (0, 1))

    assert len(outliers(2.0, *eight()[:7], last)) == 1
    assert outliers(2.0, *eight()[:7], older) == []


def test_a_session_that_was_not_over_yet_does_not_count() -> None:
    overlapping, over = (
        before(0, started_at=at(-60), last_seen_at=at(0 - since)) for since in (0, 1)
    )

    assert outliers(2.0, *eight()[1:], overlapping) == []
    assert len(outliers(2.0, *eight()[1:], over)) == 1


def test_sessions_of_another_repository_or_agent_do_not_count() -> None:
    assert outliers(100.0, *eight(repository="lake")) == []
    assert outliers(100.0, *eight(agent="codex")) == []


def test_sessions_that_name_no_repository_have_none_in_common() -> None:
    assert outliers(100.0, *eight(repository=None), own={"repository": None}) == []


@pytest.mark.parametrize("who", [{"user_id": "u"}, {"user_email": "ada@example.com"}])
def test_with_too_few_of_the_repository_the_users_sessions_count(who: Row) -> None:
    earlier = [before(number, repository="lake", **who) for number in range(8)]

    (row,) = outliers(2.0, before(9), *earlier, own=who)

    assert (row["payload"]["whose"], row["payload"]["sessions"]) == ("user", 8)


def test_with_enough_of_the_repository_the_users_do_not_count() -> None:
    others = [before(20 + number, 100.0, repository="lake", user_id="u") for number in range(8)]

    (row,) = outliers(2.0, *eight(), *others, own={"user_id": "u"})

    assert (row["payload"]["whose"], row["payload"]["median_usd"]) == ("repository", 1.0)


def _begins(session_id: str, began: datetime, **columns: Any) -> Row:
    times = {"started_at": began, "last_seen_at": began + timedelta(minutes=1)}
    return {**session(session_id, cost_usd=2.0, **POND), **times, **columns}


def test_what_is_handed_in_for_another_session_is_no_part_of_its_history() -> None:
    # It was over more than 30 days before `s`, but not before `t`: only that has it.
    old = before(40, 900.0, started_at=MORNING - 33 * DAY, last_seen_at=MORNING - 31 * DAY)
    both = [_begins("s", MORNING), _begins("t", MORNING - 2 * DAY)]
    events = told(prompt(0, "Go."), prompt(-2 * 86_400, "Go.", session_id="t"))
    rows = [*both, *eight(), *(before(number) for number in range(8, 12)), old]
    made: dict[str, Any] = {"api_calls": [], "tool_calls": [], "sessions": rows}

    together = found("cost_outlier", given(events, **made))
    alone = [
        row
        for each in ("s", "t")
        for row in found("cost_outlier", given(events, ids=[each], **made))
    ]

    assert together == alone
    assert [row["payload"]["sessions"] for row in together] == [13, 11]


@pytest.mark.parametrize("ago_s", [91_000, 29 * 86_400])
def test_long_sessions_of_another_take_no_place_of_those_within_the_window(ago_s: int) -> None:
    # `t` has them: they were over more than 25 hours before `s`, and began 31 days before it.
    long = [
        before(number, 900.0, started_at=MORNING - 31 * DAY, last_seen_at=at(-ago_s - number))
        for number in range(100, 105)
    ]
    other = _begins("t", at(-90_000), cost_usd=1.0)
    events = told(prompt(0, "Go."), prompt(-90_000, "Go.", session_id="t"))
    rows = [_begins("s", MORNING), other, *_often(60), *long]

    (row,) = found(
        "cost_outlier", given(events, api_calls=[], tool_calls=[], sessions=rows), cost_sessions=50
    )

    assert (row["payload"]["sessions"], row["payload"]["median_usd"]) == (50, 1.0)


def test_its_id_stays_the_same_when_it_goes_on() -> None:
    ids = {outliers(cost, *eight())[0]["insight_id"] for cost in (2.0, 9.0)}

    assert len(ids) == 1


def test_where_nobody_made_the_sessions_nothing_is_told() -> None:
    sessions = given(told(prompt(0, "Go.")), unmade={"sessions": ["s"]})

    assert insights_of(sessions) == []


def unpriced(seconds: float, model: str | None = "llama-9", **columns: Any) -> Row:
    told_of = {"model": model, "cost_usd": None, "cost_status": "unpriced"}
    return call(seconds, **{**told_of, **columns})


def models(*calls: Row, **options: Any) -> list[Row]:
    batch = told(prompt(0, "Go."), prompt(0, "Go.", session_id="other"))
    return found("unpriced_model", given(batch, api_calls=calls), **options)


def test_a_model_without_a_price_is_found() -> None:
    (row,) = models(unpriced(1), unpriced(2, cache_read_tokens=100, cache_write_tokens=20))

    assert row["message"].startswith(
        "There is no price for llama-9: no sum of money holds its 2 API calls with 150 tokens."
    )
    assert row["payload"] == {"calls": 2, "model": "llama-9", "tokens": 150}
    assert (row["severity"], row["at"]) == ("warning", at(1))


def test_the_events_of_its_calls_are_its_evidence() -> None:
    request = {"event_type": "api_request", "request_id": "req", "model": "llama-9", "time": at(5)}
    batch = told(prompt(0, "Go."), {**request, "input_tokens": 7, "output_tokens": 2})

    (row,) = found("unpriced_model", given(batch))

    assert (row["payload"]["tokens"], row["evidence"]) == (9, [2])


def test_a_model_with_a_price_is_not_found() -> None:
    assert models(call(1)) == []


def test_a_call_without_tokens_needs_no_price() -> None:
    assert models(unpriced(1, input_tokens=0, output_tokens=None)) == []


def test_a_model_that_is_not_told_is_not_found() -> None:
    assert models(unpriced(1, model=None)) == []


def test_each_model_and_session_has_a_finding_of_its_own() -> None:
    rows = models(unpriced(1), unpriced(2, "llama-8"), unpriced(3, session_id="other"))

    assert [(row["session_id"], row["payload"]["model"]) for row in rows] == [
        ("other", "llama-9"),
        ("s", "llama-9"),
        ("s", "llama-8"),
    ]
    assert len({row["insight_id"] for row in rows}) == 3


def test_how_many_calls_of_a_model_it_takes_can_be_set() -> None:
    calls = [unpriced(1), unpriced(2), unpriced(3, "llama-8"), unpriced(4, session_id="other")]

    (row,) = models(*calls, unpriced_calls=2)

    assert (row["session_id"], row["payload"]["model"]) == ("s", "llama-9")


@pytest.mark.parametrize("rule", ["cost_outlier", "unpriced_model"])
def test_it_can_be_switched_off(rule: str) -> None:
    rows = [session(cost_usd=9.0, **POND), *eight()]
    sessions = given(told(prompt(0, "Go.")), api_calls=[unpriced(1)], sessions=rows)

    assert (len(found(rule, sessions)), found(rule, sessions, off=[rule])) == (1, [])


def test_sums_that_lack_prices_are_held_against_nothing() -> None:
    partly = {"cost_coverage": 0.5}

    assert outliers(2.0, *eight(**partly)) == []
    assert outliers(2.0, *eight(), own=partly) == []


def test_where_earlier_sessions_cost_nothing_a_cent_is_not_out_of_line() -> None:
    assert outliers(0.1, *eight(0.0)) == []
