"""Check the ledger as a component: its options, its order, and the laws it keeps."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import ConfigError
from agentpond.pipeline.core.made import API_CALLS
from agentpond.pipeline.processors.ledger import Config, factory
from agentpond.pipeline.processors.ledger.told import PRICED, TOLD, told_table
from agentpond.pipeline.testing import sample_events, settings
from agentpond.pipeline.testing.session_checks import check_session_processor
from agentpond.pipeline.testing.sessions import sessions_of

from ...golden.batches import batch_of as captured
from ...golden.captures import captures
from .made import Row, batch_of, calls_of, log, point, span

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)

PRICES = """
[[price]]
model = "my-model"
input = 1000000
output = 2000000
"""


def ledger(**options: Any) -> Any:
    return factory.build(Config(**options), settings("ledger"))


def test_it_keeps_the_contract_of_session_processors() -> None:
    names = ("claude_code/hooks/grpc", "claude_code/metrics-only/*", "codex/simple_chat/grpc")
    given = [captured(each) for each in captures(*names)]

    check_session_processor(ledger(), [sample_events(), *given], {})

    assert len(given) == 3


def test_rows_stand_in_order_of_time_in_each_session() -> None:
    told = [
        log(5, request_id="req_1", session_id="two"),
        log(3, request_id="req_9"),
        log(4, request_id="req_2"),
    ]
    at_hand = sessions_of(ledger().needs, batch_of(*told))

    (made,) = ledger().process(at_hand)

    assert made.records.column("api_call_id").to_pylist() == ["req_9", "req_2", "req_1"]


def test_own_prices_are_used(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    call = log(model="my-model", provider=None, input_tokens=1, output_tokens=2)
    at_hand = sessions_of(ledger().needs, batch_of({**call, "cache_read_tokens": 0}))

    (made,) = ledger(prices=path).process(at_hand)

    assert made.records.column("cost_usd").to_pylist() == [5.0]


def test_another_price_list_is_another_version(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    before = ledger(prices=path).version

    path.write_text(PRICES.replace("2000000", "3000000"))

    assert ledger(prices=path).version != before


def test_another_cadence_is_no_other_version() -> None:
    often = ledger(every="1s", settle="0s")

    assert often.version == ledger().version


def test_a_price_file_that_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text("[[price]]\nmodel = 3\n")

    with pytest.raises(ConfigError, match=r"processors\.ledger\.prices"):
        ledger(prices=path)


def test_what_signals_tell_is_all_but_what_prices_make() -> None:
    assert [name for name in API_CALLS.schema.names if name not in PRICED] == TOLD.names


def test_a_column_that_signals_do_not_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="cost_note"):
        told_table(0, {"cost_note": TOLD.empty_table()["model"].combine_chunks()})


CALL = st.builds(
    lambda told, session, ms, number, tokens: told(
        ms, session_id=session, request_id=number, output_tokens=tokens
    ),
    st.sampled_from([log, lambda ms, **rest: span(ms - 90, until=ms, **rest)]),
    st.sampled_from(["one", "two", None]),
    st.integers(0, 400),
    st.sampled_from(["req_1", "req_2", "req_3", None]),
    st.integers(0, 2),
)
POINT = st.builds(
    lambda value, session, since, how: point(
        value, since=since, session_id=session, temporality=how
    ),
    st.floats(0, 1e6),
    st.sampled_from(["one", "two", "three", None]),
    st.sampled_from([-1000, -500]),
    st.sampled_from(["delta", "cumulative"]),
)


@PATIENT
@given(st.lists(CALL | POINT, min_size=1, max_size=20))
def test_rows_of_a_session_do_not_depend_on_which_others_are_at_hand(told: list[Row]) -> None:
    events = batch_of(*told)
    every = sessions_of(ledger().needs, events)
    (made,) = ledger().process(every)

    alone = [
        row
        for each in every.ids.to_pylist()
        for part in ledger().process(sessions_of(ledger().needs, events, ids=[each]))
        for row in part.records.to_pylist()
    ]

    assert alone == made.records.to_pylist()


@PATIENT
@given(st.lists(CALL | POINT, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_no_call_has_two_rows(told: list[Row], chance: Any) -> None:
    chance.shuffle(told)

    rows = calls_of(*told)

    keys = [(row["session_id"], row["api_call_id"]) for row in rows]
    assert len(keys) == len(set(keys))
