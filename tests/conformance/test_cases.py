"""The cases cover the rules, and send what they say."""

import json

import pytest

from agentpond.conformance import RULES, Signal, Wanted, telemetry
from agentpond.conformance.cases import cases
from agentpond.conformance.model import Transport
from agentpond.conformance.telemetry import whole
from agentpond.conformance.writing import written

# 12 cannot be seen from outside; 25 is seen by the endpoints themselves.
WITHOUT_CASES = {12, 25}


def test_every_rule_has_cases_but_those_that_cannot_be_seen() -> None:
    plans = [Wanted(token=True), Wanted(busy=True)]

    seen = {
        check.rule
        for plan in plans
        for transport in Transport
        for case in cases(transport, plan)
        for check in case.checks
    }

    assert {rule.number for rule in RULES} - seen == WITHOUT_CASES


def test_there_are_rules_1_to_47() -> None:
    numbers = [rule.number for rule in RULES]

    assert numbers == list(range(1, 48))


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("transport", Transport)
def test_only_the_wanted_rules_and_signals_are_sent(signal: Signal, transport: Transport) -> None:
    planned = list(cases(transport, Wanted(signals=(signal,), rules=frozenset({6}))))

    assert {check.rule for case in planned for check in case.checks} == {6}
    assert {case.shot.signal for case in planned} == {signal}


def test_quick_sends_nothing_over_the_limit() -> None:
    planned = list(cases(Transport.PROTOBUF, Wanted(quick=True, max_request_bytes=10**9)))

    assert max(len(case.shot.body()) for case in planned) < 10**7


def test_json_has_ids_in_hex_and_enums_as_numbers() -> None:
    body = written(whole(Signal.TRACES, 1), Transport.JSON)

    span = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert span["traceId"] == "5b8efff798038103d269b633813fc60c"
    assert span["links"][0]["spanId"] == "74b1c1c37e9be1ee"
    assert span["kind"] == 3


def test_unknown_fields_survive_into_the_bytes_that_are_sent() -> None:
    plain = whole(Signal.LOGS, 1)

    body = telemetry.with_unknown_fields(Signal.LOGS, 1).SerializeToString()

    again = type(plain).FromString(body)
    again.DiscardUnknownFields()
    assert again == plain
    assert len(body) > len(plain.SerializeToString()) + 100
