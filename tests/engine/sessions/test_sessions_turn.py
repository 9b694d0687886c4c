"""No two runs of one processor overlap."""

import threading
from typing import Any

import pytest

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.engine.sessions.turn import Patience, Turn

NONE = Patience(0, 0)
AT_101440_US = 1_795_169_680_000_000


def turn(freed: list[str] | None = None) -> Turn:
    told = [] if freed is None else freed
    return Turn("ledger", lambda: AT_101440_US, lambda: told.append("freed"))


def refusal(turn: Turn) -> Permanent:
    with pytest.raises(Permanent) as caught, turn.held("process", NONE):
        pass
    return caught.value


def test_a_second_request_is_refused() -> None:
    mine = turn()

    with mine.held("reprice", NONE):
        error = refusal(mine)

    assert error.reason == "already_running"
    assert str(error) == (
        "processor ledger: already running since 10:14:40 UTC (asked for by reprice). Wait until "
        "it ends, or watch processor_state."
    )


def test_a_portion_of_the_background_that_does_not_end_refuses_a_request() -> None:
    mine = turn()

    began = mine.begin(1)
    error = refusal(mine)

    assert began
    assert "(asked for by its own cadence)" in str(error)


def test_the_background_goes_on_after_a_refusal() -> None:
    mine = turn()
    mine.begin(1)
    refusal(mine)

    mine.end()

    assert mine.free


def test_the_background_begins_nothing_while_a_request_has_the_turn() -> None:
    freed: list[str] = []
    mine = turn(freed)

    with mine.held("process", NONE):
        during = mine.begin(1)
    after = mine.begin(1)

    assert (during, after, freed) == (False, True, ["freed"])


def test_a_request_waits_for_the_portion_in_hand(shop: Any) -> None:
    gate, mine = shop.gate(), turn()
    mine.begin(1)

    def end() -> None:
        gate(None)
        mine.end()

    thread = threading.Thread(target=end)
    thread.start()
    gate.opened.set()
    with mine.held("process", Patience(20)):
        free = mine.free
    thread.join()

    assert not free


def test_a_portion_says_since_when_it_is_in_hand() -> None:
    mine = turn()

    with mine.held("process", NONE), mine.portion("process", 1):
        during = mine.working_since_us
        idle = mine.until_idle(0)

    assert (during, idle) == (AT_101440_US, False)
    assert (mine.working_since_us, mine.until_idle(0)) == (0, True)


def test_a_portion_that_takes_long_is_told() -> None:
    mine = turn()
    mine.begin(3)

    usual = mine.overdue(AT_101440_US + 299_000_000)
    long = mine.overdue(AT_101440_US + 300_000_000)

    assert usual == ""
    assert long == (
        "processor ledger: at work on 3 sessions since 10:14:40 UTC (asked for by its own cadence)."
    )


def test_who_has_patience_waits_for_another_request() -> None:
    mine, entered = turn(), threading.Event()

    def hold() -> None:
        with mine.held("process", NONE):
            entered.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(20)
    with mine.held("settle", Patience(20, 20)):
        free = mine.free
    thread.join()

    assert not free
