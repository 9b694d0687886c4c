"""Our own receiver keeps every rule: plain, over TLS, with a token, and while it is busy."""

import pytest

from agentpond.conformance import RULES, Outcome, Result, Signal

from .support import (
    HEADERS,
    TOKEN,
    certificates,
    doors,
    failures,
    outcomes,
    results_of_ours,
    results_while_busy,
)

NUMBERS = [rule.number for rule in RULES]
# 10, 16, 19, 21 and 31 are seen when it is busy; 12 cannot be seen; 25 and 27 are MAY, not used.
NOT_SEEN = {10, 12, 16, 19, 21, 25, 27, 31}
SEEN_WHILE_BUSY = [10, 16, 19, 21, 26, 29, 31, 32]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    return results_of_ours(tmp_path_factory.mktemp("plain"), {"protocols": doors()}, {})


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    home = tmp_path_factory.mktemp("tls")
    files, trusting = certificates(home)
    # One signal: what TLS changes it changes for all.
    suite = {"tls": trusting, "wanted": {"signals": (Signal.TRACES,)}}
    return results_of_ours(home, {"protocols": doors(tls=files)}, suite)


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    otlp = {"protocols": doors(), "auth": {"tokens": [{"token": TOKEN}]}}
    suite = {"headers": HEADERS, "wanted": {"token": True, "signals": (Signal.LOGS,)}}
    return results_of_ours(tmp_path_factory.mktemp("token"), otlp, suite)


@pytest.fixture(scope="module")
def busy() -> list[Result]:
    return results_while_busy()


@pytest.mark.parametrize("rule", NUMBERS)
def test_a_rule_is_kept(plain: list[Result], rule: int) -> None:
    broken = failures(plain, rule)

    assert broken == []


def test_every_rule_that_can_be_seen_is_seen(plain: list[Result]) -> None:
    seen = {rule for rule in NUMBERS if Outcome.NOT_APPLICABLE not in outcomes(plain, rule)}
    partly = {rule for rule in NUMBERS if Outcome.PASS in outcomes(plain, rule)}

    assert set(NUMBERS) - (seen | partly) == NOT_SEEN


@pytest.mark.parametrize("rule", NUMBERS)
def test_a_rule_is_kept_over_tls(over_tls: list[Result], rule: int) -> None:
    broken = failures(over_tls, rule)

    assert broken == []


@pytest.mark.parametrize("rule", NUMBERS)
def test_a_rule_is_kept_with_a_token(with_token: list[Result], rule: int) -> None:
    broken = failures(with_token, rule)

    assert broken == []


def test_who_shows_no_token_is_told_so_over_both_transports(with_token: list[Result]) -> None:
    told = [each for each in with_token if each.words == "a whole request without the headers"]

    assert {each.transport for each in told} == {"gRPC", "HTTP/protobuf", "HTTP/JSON"}
    assert {each.outcome for each in told} == {Outcome.PASS}


@pytest.mark.parametrize("rule", SEEN_WHILE_BUSY)
def test_a_rule_is_kept_while_busy(busy: list[Result], rule: int) -> None:
    assert outcomes(busy, rule) == {Outcome.PASS}


def test_nothing_fails_while_busy(busy: list[Result]) -> None:
    assert failures(busy) == []
