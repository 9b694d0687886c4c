"""What a model says of sessions becomes rows, and rules stand in where it says nothing."""

import json
import logging
from typing import Any

import pytest

from agentpond.pipeline.core.sessions import Sessions
from agentpond.pipeline.processors.reviewer import factory
from agentpond.pipeline.processors.reviewer.question import Answer, Refusal, Trouble
from agentpond.pipeline.testing import check_processor
from agentpond.pipeline.testing.session_checks import check_session_processor

from .given import (
    FINDING,
    REVIEW,
    Model,
    Row,
    again,
    answering,
    at,
    call,
    endpoint,
    insight,
    joined,
    made_by,
    message,
    nobody,
    refusing,
    reviewer,
    reviews,
    session,
    sessions,
    told_by,
    turn,
    usual,
)


def with_reviews(rows: list[Row], **changed: Any) -> Sessions:
    """Give the usual session with earlier reviews."""
    told = {"as_of": 130.0, **{name: changed.pop(name) for name in ("as_of",) if name in changed}}
    return sessions({**usual(), **changed, "reviews": rows}, **told)


def three() -> dict[str, list[Row]]:
    """Give three sessions, the last of which was heard of first."""
    rows = joined(*(usual(name) for name in "abc"))
    heard = {"a": 20, "b": 30, "c": 10}
    rows["sessions"] = [session(name, last_seen_at=at(heard[name])) for name in "abc"]
    return rows


def shown(row: Row, *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_a_summary_is_a_row() -> None:
    told = answering(model="judge-2026", input_tokens=900, output_tokens=80)

    summary, _ = reviews(sessions(), told)

    assert shown(
        summary, "kind", "severity", "category", "message", "payload", "turn_id", "at"
    ) == (
        "review_summary",
        "info",
        "review",
        "It mended the test, at a price.",
        '{"input_tokens":900,"output_tokens":80}',
        None,
        at(0),
    )


def test_a_finding_is_a_row_with_the_prompt_of_its_turn_as_evidence() -> None:
    _, finding = reviews(sessions(), answering())

    names = ("kind", "severity", "category", "message", "turn_id", "at", "evidence")
    assert shown(finding, *names) == (
        "review",
        "warning",
        "loops",
        "It ran the same test 4 times.",
        "t2",
        at(2),
        ["00000000-0000-0000-0000-000000000002"],
    )
    assert json.loads(finding["payload"]) == {"turn": 2, "advice": "Ask for a plan first."}


def test_a_finding_of_no_turn_is_of_the_session() -> None:
    review = {**REVIEW, "findings": [{**FINDING, "turn": None}]}

    _, finding = reviews(sessions(), answering(review))

    assert shown(finding, "turn_id", "at", "evidence") == (None, at(0), [])


def test_rows_say_who_made_them_when_and_of_which_agent() -> None:
    calls = [call("haiku", output_tokens=4), call("opus", output_tokens=9), call("opus")]

    rows = reviews(sessions({**usual(), "api_calls": calls}), answering(model="judge-2026"))

    names = ("agent", "provider", "model", "made_by", "reviewer_model", "reviewed_at")
    assert {shown(row, *names) for row in rows} == {
        ("claude_code", "anthropic", "opus", "model", "judge-2026", at(120))
    }


def test_of_two_models_with_as_much_output_the_first_by_name_is_the_agent_s() -> None:
    calls = [call("opus", output_tokens=4), call("haiku", output_tokens=4)]

    rows = reviews(sessions({**usual(), "api_calls": calls}), answering())

    assert {row["model"] for row in rows} == {"haiku"}


def test_of_two_models_with_as_much_output_that_of_more_calls_is_the_agent_s() -> None:
    calls = [
        call(model, api_call_id=f"{n}", output_tokens=output)
        for n, (model, output) in enumerate((("haiku", 10), ("opus", 5), ("opus", 5)))
    ]

    rows = reviews(sessions({**usual(), "api_calls": calls}), answering())

    assert {row["model"] for row in rows} == {"opus"}


def test_a_model_that_does_not_say_its_name_has_the_one_that_was_asked() -> None:
    rows = reviews(sessions(), answering())

    assert {row["reviewer_model"] for row in rows} == {"judge"}


def test_each_session_has_the_review_of_its_own_digest() -> None:
    replies = [Answer(json.dumps({"summary": name, "findings": []})) for name in "bac"]

    rows = reviews(sessions(three()), Model(replies))

    assert [shown(row, "session_id", "message") for row in rows] == [
        ("a", "a"),
        ("b", "b"),
        ("c", "c"),
    ]


def test_what_was_reviewed_is_not_asked_about_again() -> None:
    earlier = reviews(sessions(), answering())
    nobody = refusing()

    rows = reviews(with_reviews(earlier), nobody)

    assert (rows, nobody.asked) == (earlier, [])


def test_what_became_another_is_asked_about_again() -> None:
    earlier = reviews(sessions(), answering())
    changed = [turn(1), turn(2), turn(3)]

    (row,) = reviews(
        with_reviews(earlier, turns=changed), answering({"summary": "Longer now.", "findings": []})
    )

    assert shown(row, "message", "reviewed_at") == ("Longer now.", at(130))


def test_another_model_is_asked_about_all_again() -> None:
    earlier = reviews(sessions(), answering())
    other = answering()

    rows = reviews(with_reviews(earlier), other, model="other")

    assert len(other.asked) == 1
    assert {row["reviewer_model"] for row in rows} == {"other"}


def test_a_review_of_what_it_was_before_stands_until_there_is_a_new_one() -> None:
    earlier = reviews(sessions(), answering())

    rows = reviews(with_reviews(earlier, turns=[turn(1)]), refusing())

    assert rows[:-1] == earlier
    assert shown(rows[-1], "kind", "made_by") == ("review_summary", "rules")


def test_rules_stand_in_when_nobody_answers() -> None:
    found = [
        insight("retries", message="4 API calls failed."),
        insight("error_density", severity="critical", message="30 errors in a row."),
        insight("denied_tools", severity="info", message="Bash was denied."),
    ]

    (row,) = reviews(sessions({**usual(), "insights": found}), refusing(), prompts=True)

    names = ("kind", "severity", "category", "made_by", "reviewer_model")
    assert shown(row, *names) == ("review_summary", "info", "review", "rules", None)
    assert row["message"] == (
        "2 turns, 41 API calls, 3 uses of tools, $1.20. 3 findings by rules, the first: "
        "30 errors in a row. No model has reviewed it: nobody is there."
    )


@pytest.mark.parametrize(
    ("columns", "sums"),
    [
        ({"turns": 1, "cost_usd": None}, "1 turn, 41 API calls, 3 uses of tools"),
        (
            {"cost_coverage": 0.5},
            "2 turns, 41 API calls, 3 uses of tools, $1.20 for 50 % of the calls",
        ),
        ({"turns": None, "tool_calls": None}, "41 API calls, $1.20"),
    ],
)
def test_rules_count_what_is_told(columns: Row, sums: str) -> None:
    (row,) = reviews(sessions({**usual(), "sessions": [session(**columns)]}), refusing())

    assert row["message"] == (
        f"{sums}. Rules found nothing. No model has reviewed it: nobody is there."
    )


def test_where_rules_have_not_run_that_is_said() -> None:
    (row,) = reviews(sessions(unmade={"insights": ["s"]}), refusing())

    assert "$1.20. Rules have not looked at it. No model" in row["message"]


def test_rules_that_say_the_same_again_are_as_old_as_they_were() -> None:
    earlier = reviews(sessions(), refusing())

    rows = reviews(with_reviews(earlier), refusing())

    assert rows == earlier


def test_when_the_endpoint_is_there_again_the_model_takes_the_place_of_rules() -> None:
    earlier = reviews(sessions(), refusing())

    rows = reviews(with_reviews(earlier), answering())

    assert {row["made_by"] for row in rows} == {"model"}


def test_after_nobody_answered_no_other_session_is_asked_about() -> None:
    down = refusing()

    rows = reviews(sessions(three()), down)

    assert len(down.asked) == 1
    assert len({row["message"] for row in rows}) == 1


def test_a_digest_that_is_refused_keeps_no_other_from_being_asked_about() -> None:
    model = Model([Refusal(Trouble.QUESTION, "too long"), *answering().replies])

    rows = reviews(sessions(three()), model)

    assert [shown(row, "session_id", "made_by") for row in rows if row["kind"] != "review"] == [
        ("a", "model"),
        ("b", "rules"),
        ("c", "model"),
    ]


def test_the_sessions_that_were_heard_of_last_are_asked_about_first() -> None:
    rows = reviews(sessions(three()), answering(), at_most=2)

    made = {row["session_id"]: row["made_by"] for row in rows}
    assert made == {"a": "model", "b": "model", "c": "rules"}


def test_the_others_wait_for_their_turn() -> None:
    rows = reviews(sessions(three()), answering(), at_most=2)

    (waits,) = (row for row in rows if row["session_id"] == "c")
    assert waits["message"].endswith("No model has reviewed it: it waits for its turn.")


def test_the_others_are_looked_at_so_many_at_a_time() -> None:
    asked = again(sessions(three()), answering(), at_most=1, every="3m")

    assert asked == {"a": 123, "c": 126}


def test_when_nobody_answers_all_are_asked_about_later_and_the_one_that_was_last() -> None:
    asked = again(sessions(three()), refusing(), at_most=1, retry_after="20m", every="1m")

    assert asked == {"a": 140, "c": 141, "b": 142}


def test_a_refused_digest_is_asked_about_later() -> None:
    asked = again(sessions(), refusing(Trouble.QUESTION), retry_after="20m")

    assert asked == {"s": 140}


def test_what_is_reviewed_is_not_looked_at_again() -> None:
    asked = again(sessions(), answering())

    assert asked == {}


@pytest.mark.parametrize("text", ["Certainly!", json.dumps({**REVIEW, "findings": [{"turn": 1}]})])
def test_an_answer_that_is_none_is_told_and_not_stored(text: str) -> None:
    (row,) = reviews(sessions(), answering(text))

    assert row["made_by"] == "rules"
    assert "No model has reviewed it: its answer is " in row["message"]


def test_a_finding_about_a_turn_of_another_session_is_refused() -> None:
    rows = joined(usual("a"), usual("b"))
    rows["turns"] = [turn(1, "a"), turn(2, "b")]

    made = reviews(sessions(rows), answering())

    assert [shown(row, "session_id", "made_by") for row in made if row["kind"] != "review"] == [
        ("a", "rules"),
        ("b", "model"),
    ]


def test_after_three_answers_of_no_use_the_digest_is_not_paid_for_again() -> None:
    useless = answering("Certainly!")
    rows: list[Row] = []
    for minute in (130, 140, 150, 160, 170):
        rows = reviews(with_reviews(rows, as_of=minute), useless)

    assert len(useless.asked) == 3
    assert json.loads(rows[0]["payload"]) == {
        "reason": "its answer is no JSON",
        "unusable_answers": 3,
    }
    assert again(with_reviews(rows, as_of=180), useless) == {}


def test_answers_of_no_use_are_counted_over_times_when_nobody_answered() -> None:
    rows = reviews(sessions(), answering("Certainly!"))

    (row,) = reviews(with_reviews(rows), refusing())

    assert json.loads(row["payload"]) == {"reason": "nobody is there", "unusable_answers": 1}


def test_with_other_options_a_digest_that_was_given_up_is_tried_again() -> None:
    useless = answering("Certainly!")
    rows: list[Row] = []
    for minute in (130, 140, 150):
        rows = reviews(with_reviews(rows, as_of=minute), useless)

    made = reviews(with_reviews(rows, as_of=160), answering(), max_tokens=4000)

    assert {row["made_by"] for row in made} == {"model"}


def test_a_session_that_is_not_quiet_is_looked_at_when_it_is() -> None:
    model = answering()
    given = sessions(as_of=40)

    assert (reviews(given, model), model.asked) == ([], [])
    assert again(given, model) == {"s": 45}


def test_a_session_that_goes_on_keeps_its_review_until_it_is_quiet() -> None:
    earlier = reviews(sessions(), answering())
    goes_on = with_reviews(earlier, sessions=[session(last_seen_at=at(129))], turns=[turn(3)])

    rows = reviews(goes_on, refusing())

    assert rows == earlier


@pytest.mark.parametrize("columns", [{"api_calls": 2}, {"api_calls": None}, {"last_seen_at": None}])
def test_a_session_that_is_not_worth_it_is_left_alone(columns: Row) -> None:
    model = answering()
    given = sessions({**usual(), "sessions": [session(**columns)]})

    assert (reviews(given, model), again(given, model), model.asked) == ([], {}, [])


def test_an_old_session_is_left_alone() -> None:
    model = answering()
    given = sessions(as_of=30 + 24 * 60 + 1)

    assert (reviews(given, model), again(given, model), model.asked) == ([], {}, [])


def test_an_old_session_keeps_what_was_said_of_it() -> None:
    earlier = reviews(sessions(), refusing())

    rows = reviews(with_reviews(earlier, as_of=3000), refusing())

    assert rows == earlier


def test_a_session_is_not_asked_about_when_it_will_be_too_old() -> None:
    asked = again(sessions(as_of=119), refusing(), max_age="90m")

    assert asked == {}


def test_one_warning_says_what_is_in_the_way_and_what_to_look_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = Model([Refusal(Trouble.ENDPOINT, "x answered 401 (Unauthorized)", "No such key.")])

    reviews(sessions(three()), down)

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == (
        "processor reviewer: no review of 1 session: x answered 401 (Unauthorized): No such key. "
        "See `endpoint`, `api`, `model` and `api_key`. Asked again after 600s; what rules found "
        "stands."
    )


def test_with_a_model_that_answers_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    reviews(sessions(three()), answering())

    assert caplog.records == []


def test_an_endpoint_is_asked_and_its_answer_stored() -> None:
    with endpoint() as there:
        there.says(message(f"```json\n{json.dumps(REVIEW)}\n```"))

        rows = reviews(sessions(), api="anthropic", endpoint=there.url, prompts=False)

    assert [row["message"] for row in rows] == [
        "It mended the test, at a price.",
        "It ran the same test 4 times.",
    ]
    assert {row["reviewer_model"] for row in rows} == {"judge-2026"}


@pytest.mark.parametrize(("prompts", "sent"), [(False, False), (True, True)])
def test_prompts_are_sent_only_where_that_is_allowed(prompts: bool, sent: bool) -> None:
    rows = {**usual(), "turns": [turn(1, prompt="canary-4711"), turn(2)]}
    with endpoint() as there:
        there.says(message(json.dumps(REVIEW)))

        reviews(sessions(rows), api="anthropic", endpoint=there.url, prompts=prompts)

    assert ("canary-4711" in json.dumps(there.sent)) is sent


def test_it_keeps_the_contract_when_nobody_answers() -> None:
    rows = three()
    with nobody() as host:
        told: dict[str, Any] = {"endpoint": f"http://{host}/v1", "model": "judge"}

        check_processor(factory, told, batches=[told_by(rows)], made=made_by(rows))
        made = reviews(sessions(rows, as_of=520), **told)

    assert {row["message"].partition("reviewed it: ")[2] for row in made} == {
        f"{host} refuses the connection."
    }


def test_it_keeps_the_contract_with_a_model_that_always_says_the_same() -> None:
    rows = three()

    check_session_processor(reviewer(answering()), [told_by(rows)], made_by(rows))

    assert len(reviews(sessions(rows, as_of=520), answering())) == 6
