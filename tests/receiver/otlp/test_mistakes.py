"""Mistakes: each wording logged once for each peer, and never as lines a sender made up."""

import logging

import pytest

from agentpond.receiver.otlp.mistakes import Mistakes

LOGGER = logging.getLogger("agentpond.test.mistakes")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_mistake_is_told_once_for_each_peer_and_wording(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mistakes = Mistakes(LOGGER)

    for peer, reason in [("::1", "not_found"), ("::1", "not_found"), ("::2", "not_found")] * 2:
        mistakes.tell(peer, reason, "no such path.")
    mistakes.tell("::1", "not_found", "another path.")

    assert told(caplog) == [
        "not_found from ::1 (told once): no such path.",
        "not_found from ::2 (told once): no such path.",
        "not_found from ::1 (told once): another path.",
    ]


def test_who_makes_ever_new_mistakes_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mistakes = Mistakes(LOGGER)

    for number in range(100):
        mistakes.tell("::1", "not_found", f"/{number}: no such path.")

    assert len(told(caplog)) == 20
    assert told(caplog)[-1].endswith("Further mistakes of this peer are only counted.")


def test_who_has_been_silent_for_longest_is_forgotten_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mistakes = Mistakes(LOGGER, remembered_peers=2)
    for peer in ("a", "b", "a", "c"):
        mistakes.tell(peer, "not_found", "words")
    caplog.clear()

    for peer in ("a", "b"):
        mistakes.tell(peer, "not_found", "words")

    assert told(caplog) == ["not_found from b (told once): words"]


def test_a_client_that_went_away_made_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    mistakes = Mistakes(LOGGER)

    mistakes.tell("::1", "client_gone", "The client went away.")

    assert told(caplog) == []


def test_what_a_sender_wrote_stays_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    mistakes = Mistakes(LOGGER)

    mistakes.tell("::1", "not_found", "/x\n2026-11-20 ERROR the disk\x1b[31m is full")

    assert told(caplog) == [
        "not_found from ::1 (told once): /x 2026-11-20 ERROR the disk [31m is full"
    ]
