"""What is in hand: bounded in all and for each peer, and given back to the last byte."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Retryable
from agentpond.pipeline.core.signal import Identity
from agentpond.receiver.otlp.guard.in_hand import Bounds, Hold, InHand

PLENTY = Bounds(requests=1000, nbytes=1_000_000)


def words_of(call: Callable[[], object]) -> str:
    with pytest.raises(Retryable) as told:
        call()
    return str(told.value)


def test_a_request_over_the_number_of_a_peer_is_told_which_setting_says_so() -> None:
    in_hand = InHand(PLENTY, Bounds(requests=1, nbytes=1000))
    with in_hand.hold("10.0.0.5"):
        words = words_of(lambda: in_hand.hold("10.0.0.5"))

    assert words == (
        "1 requests of 10.0.0.5 are in hand, as many as max_requests_in_hand_per_peer allows. "
        "Send again."
    )


def test_what_one_peer_may_not_another_may() -> None:
    in_hand = InHand(PLENTY, Bounds(requests=1, nbytes=1000))

    with in_hand.hold("10.0.0.5") as one, in_hand.hold("10.0.0.6") as other:
        one.resize(1000)
        other.resize(1000)
        words = words_of(lambda: other.resize(1001))

    assert words == (
        "1000 bytes of requests of 10.0.0.6 are in hand and 1 more are over "
        "max_bytes_in_hand_per_peer. Send again."
    )


def test_all_peers_together_are_bounded_too() -> None:
    in_hand = InHand(Bounds(requests=2, nbytes=1000), Bounds(requests=2, nbytes=900))

    with in_hand.hold("10.0.0.5") as one, in_hand.hold("10.0.0.6") as other:
        one.resize(900)
        of_bytes = words_of(lambda: other.resize(101))
        of_requests = words_of(lambda: in_hand.hold("10.0.0.7"))

    assert "101 more are over max_bytes_in_hand." in of_bytes
    assert "as many as max_requests_in_hand allows" in of_requests


def test_a_length_that_is_only_claimed_takes_up_nothing() -> None:
    in_hand = InHand(PLENTY, Bounds(requests=2, nbytes=1000))

    with in_hand.hold("10.0.0.5") as claiming, in_hand.hold("10.0.0.5") as sending:
        claiming.see_room(1000)
        sending.resize(1000)
        words = words_of(lambda: claiming.see_room(1))

    assert "1 more are over max_bytes_in_hand_per_peer" in words


def test_a_hold_knows_who_sends() -> None:
    in_hand = InHand(PLENTY, PLENTY)

    hold = in_hand.hold("10.0.0.5", Identity(user_id="alice"))

    assert hold.identity == Identity(user_id="alice")


def test_a_receiver_that_stops_takes_no_more() -> None:
    in_hand = InHand(PLENTY, PLENTY)

    in_hand.close()

    assert words_of(lambda: in_hand.hold("10.0.0.5")) == "The receiver is stopping. Send again."


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.lists(st.integers(0, 400), max_size=4)),
        max_size=20,
    )
)
def test_whatever_was_taken_is_given_back(requests: list[tuple[str, list[int]]]) -> None:
    in_hand = InHand(Bounds(requests=8, nbytes=1000), Bounds(requests=4, nbytes=600))
    taken: list[Hold] = []

    with ExitStack() as held:
        for peer, sizes in requests:
            try:
                taken.append(held.enter_context(in_hand.hold(peer)))
                for size in sizes:
                    taken[-1].resize(size)
            except Retryable:
                continue

    assert len(taken) <= 8
    assert (in_hand._all.requests, in_hand._all.nbytes, in_hand._peers) == (0, 0, {})
