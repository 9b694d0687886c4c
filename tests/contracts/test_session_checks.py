"""Check the checks: a session-scope processor that breaks the contract is found out by name."""

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pytest

from agentpond.pipeline.core.batch import Batch, Table
from agentpond.pipeline.core.component import Factory, Kind
from agentpond.pipeline.core.made import API_CALLS, SESSIONS
from agentpond.pipeline.core.schema import EVENTS, RESOURCES
from agentpond.pipeline.core.sessions import Again, Cadence, Need, Of, Sessions
from agentpond.pipeline.testing import ContractBroken, batch, check_processor, events

from .counting import PROMPTS, Config, count, factory

OTHER = Table("other", PROMPTS.schema, ("session_id",))
LATER = 1_900_000_000_000_000


def unstable() -> Callable[[Sessions], Iterable[Batch]]:
    calls = iter(range(1000))
    return lambda told: [
        each.with_column("prompts", pa.repeat(next(calls), len(each))) for each in count(told)
    ]


def makes_of_nothing(told: Sessions) -> Iterable[Batch]:
    given = {"session_id": told.ids.to_pylist(), "agent": "codex", "prompts": 0}
    return [batch(PROMPTS, len(told.ids), **given)]


def counts_all(told: Sessions) -> Iterable[Batch]:
    return [
        each.with_column("prompts", pa.repeat(told.events.num_rows, len(each)))
        for each in count(told)
    ]


def invents_sessions(told: Sessions) -> Iterable[Batch]:
    return [each.with_column("session_id", pa.repeat("x", len(each))) for each in count(told)]


def says_it_twice(told: Sessions) -> Iterable[Batch]:
    return [*count(told), *count(told)]


def makes_what_is_not_its_own(told: Sessions) -> Iterable[Batch]:
    return count(told, OTHER)


def again(ids: Any, at_us: int) -> Callable[[Sessions], Iterable[Batch | Again]]:
    def step(told: Sessions) -> Iterable[Batch | Again]:
        chosen = told.ids if ids is None else pa.array(ids, pa.string())
        at = pa.array([at_us] * len(chosen), pa.timestamp("us"))
        return [*count(told), Again(chosen, at)]

    return step


def need(*columns: str, of: Of = Of.SESSIONS, table: Table = EVENTS) -> Need:
    return Need(table, columns, of=of)


WHOLE = need("session_id", "agent", "event_type")
EARLIER = need("session_id", "last_seen_at", of=Of.EARLIER, table=SESSIONS)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"version": ""}, "session-version"),
        ({"cadence": Cadence(-1, 0)}, "session-cadence"),
        ({"needs": ()}, "session-needs"),
        ({"needs": (need("session_id", of=Of.KIN),)}, "session-needs"),
        ({"needs": (need("session_id", "no_such"),)}, "session-needs"),
        ({"needs": (need("agent"),)}, "session-needs"),
        ({"needs": (WHOLE, WHOLE)}, "session-needs"),
        ({"needs": (WHOLE, need("session_id", of=Of.KIN, table=API_CALLS))}, "session-needs"),
        ({"needs": (WHOLE, need("session_id", of=Of.EARLIER))}, "session-needs"),
        ({"needs": (WHOLE, need("agent", of=Of.EARLIER, table=API_CALLS))}, "session-needs"),
        ({"needs": (WHOLE, EARLIER), "tables": (SESSIONS,)}, "session-needs"),
        ({"tables": ()}, "session-tables"),
        ({"tables": (RESOURCES,)}, "session-tables"),
        ({"tables": (Table("t", pa.schema([("a", pa.int64())]), ("a",)),)}, "session-tables"),
        ({"tables": (Table("t", PROMPTS.schema, ()),)}, "session-tables"),
        ({"step": unstable()}, "session-pure"),
        ({"step": makes_of_nothing}, "session-empty"),
        ({"step": counts_all}, "session-alone"),
        ({"step": invents_sessions}, "session-at-hand"),
        ({"step": says_it_twice}, "session-key"),
        ({"step": makes_what_is_not_its_own}, "session-own"),
        ({"step": again(["x"], LATER)}, "session-again"),
        ({"step": again(None, 1)}, "session-again"),
    ],
)
def test_a_session_processor_that_breaks_the_contract_is_found_out(
    told: dict[str, Any], name: str
) -> None:
    with pytest.raises(ContractBroken, match=f"^{name}:"):
        check_processor(factory(**told))


def test_a_session_processor_that_keeps_the_contract_passes() -> None:
    more = events(3, session_id=["a", "b", "a"], event_type="user_prompt")

    check_processor(factory(), batches=[more])


def test_a_session_processor_may_ask_to_be_run_again() -> None:
    later = again(None, LATER)

    check_processor(factory(step=later))


def test_a_processor_that_only_says_session_is_found_out() -> None:
    class Says:
        scope = "session"

    saying = Factory(Kind.PROCESSOR, "says", Config, lambda *_: Says())

    with pytest.raises(ContractBroken, match=r"^session-protocol:"):
        check_processor(saying)


def test_a_session_processor_that_writes_into_its_input_is_found_out() -> None:
    def scribbles(told: Sessions) -> Iterable[Batch]:
        data = told.events.column("agent").buffers()[2]
        if data is not None and data.size:
            # What a careless use of numpy or ctypes does.
            import ctypes  # noqa: PLC0415 - only this test does such a thing

            ctypes.memset(data.address, ord("x"), data.size)
        return []

    with pytest.raises(ContractBroken, match=r"^session-input:"):
        check_processor(factory(step=scribbles))


def test_rows_that_others_make_are_given_where_they_are_asked_for() -> None:
    calls = batch(API_CALLS, 2, session_id=["first", "second"], api_call_id=["a", "b"])
    made = {"api_calls": pa.Table.from_batches([calls.records])}
    wanted = need("session_id", "api_call_id", table=API_CALLS)
    seen: list[int] = []

    def step(told: Sessions) -> Iterable[Batch]:
        seen.append(told.rows["api_calls"].num_rows)
        return count(told)

    check_processor(factory(step=step, needs=(WHOLE, wanted)), made=made)

    assert max(seen) == 2


HISTORY = {
    "sessions": pa.Table.from_batches(
        [
            batch(
                SESSIONS,
                3,
                session_id=["old", "a", "b"],
                agent="codex",
                user_id="ada",
                started_at=[0, 10_000_000, 20_000_000],
                last_seen_at=[1_000_000, 11_000_000, 21_000_000],
            ).records
        ]
    )
}
TWO = events(2, session_id=["a", "b"], event_type="user_prompt")


def test_rows_of_earlier_sessions_are_given_also_of_those_not_at_hand() -> None:
    seen: set[tuple[str, ...]] = set()

    def step(told: Sessions) -> Iterable[Batch]:
        seen.add(tuple(told.rows["earlier"]["session_id"].to_pylist()))
        return count(told)

    check_processor(factory(step=step, needs=(WHOLE, EARLIER)), batches=[TWO], made=HISTORY)

    assert seen == {("old", "a"), ("old",), ()}


def test_a_processor_that_takes_what_is_earlier_than_others_for_its_own_is_found_out() -> None:
    def step(told: Sessions) -> Iterable[Batch]:
        earlier = told.rows["earlier"].num_rows
        return [each.with_column("prompts", pa.repeat(earlier, len(each))) for each in count(told)]

    with pytest.raises(ContractBroken, match=r"^session-alone:"):
        check_processor(factory(step=step, needs=(WHOLE, EARLIER)), batches=[TWO], made=HISTORY)
