"""What was over before a session began is given to who asks, and runs again where it changed.

Both stores are asked: the file, and the one in memory that tests use.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpond.pipeline.core.batch import Table
from agentpond.pipeline.core.made import SESSIONS
from agentpond.pipeline.core.sessions import Need, Of
from agentpond.pipeline.testing.session_store import MemorySessionStore

from .sessions_support import NOON_US, Maker, ask, run_on
from .support import batch, deliver, event, later, make_store

Store = Any
Row = dict[str, Any]

EARLIER = Need(SESSIONS, ("cost_usd", "session_id", "models"), of=Of.EARLIER)
NOTES = Table(
    "notes",
    pa.schema([("session_id", pa.string()), ("earlier", pa.list_(pa.string()))]),
    ("session_id",),
)
WRITTEN = Need(NOTES, ("session_id", "earlier"))
KEEPER = Maker((SESSIONS,))
ALL = {"sessions": KEEPER, "notes": Maker((NOTES,), more=(EARLIER,))}
NAMES = ("a", "b", "c", "d")


def prepared(store: Store) -> Store:
    """Have a store hold an event of each of four sessions."""
    store.start()
    store.prepare(ALL)
    store.export(deliver(0, [event(at, session_id=name) for at, name in enumerate(NAMES)]))
    return store


@pytest.fixture(params=["duckdb", "memory"])
def store(request: pytest.FixtureRequest, path: Any) -> Iterator[Store]:
    made = make_store(path) if request.param == "duckdb" else MemorySessionStore()
    yield prepared(made)
    made.stop()


def session(name: str, began: float, over: float, **more: Any) -> Row:
    """Make a row of a session from an hour until another, of one user."""
    given = {"agent": "codex", "user_id": "ada", "cost_usd": 1.0, **more}
    times = {"started_at": later(hours=began), "last_seen_at": later(hours=over)}
    return {"session_id": name, **times, **given}


def put(store: Store, *rows: Row, only: str | None = None) -> None:
    """Run the maker of `sessions` on all or one, with these rows as its result."""
    run = run_on(store, "sessions", upstream=(), everything=True, session_id=only)
    store.replace(run, [SESSIONS], [batch(SESSIONS, rows)])


def due(store: Store, processor: str = "notes") -> list[str]:
    upstream = ("sessions",) if processor == "notes" else ()
    names: list[str] = store.due(ask(processor, upstream=upstream))["session_id"].to_pylist()
    return names


def take_note(store: Store) -> list[str]:
    """Run the reader on what is due, each session for itself; name what was due."""
    run = run_on(store, "notes", upstream=("sessions",))
    names: list[str] = run.sessions["session_id"].to_pylist()
    rows = [{"session_id": name, "earlier": read(store, name)} for name in names]
    store.replace(run, [NOTES], [batch(NOTES, rows)])
    return names


def read(store: Store, *names: str) -> list[str]:
    """Name what is earlier than some sessions."""
    told = store.read(pa.array(names, pa.string()), [EARLIER], NOON_US)
    earlier: list[str] = told.rows["earlier"]["session_id"].to_pylist()
    return earlier


@pytest.mark.parametrize("circle", ["repository", "user_id", "user_email"])
def test_what_shares_a_repository_or_a_user_and_was_over_is_given(
    store: Store, circle: str
) -> None:
    nobody = {"user_id": None}
    rows = [session("a", 0, 1, **nobody), session("b", 2, 3, **nobody), session("c", 0, 1)]
    put(store, *({**row, circle: "x"} if row["session_id"] != "c" else row for row in rows))

    told = read(store, "b")

    assert told == ["a"]


def test_what_is_not_told_is_shared_with_nobody(store: Store) -> None:
    put(store, session("a", 0, 1, user_id=None), session("b", 2, 3, user_id=None))

    told = read(store, "b")

    assert told == []


def test_a_name_of_a_user_that_is_a_repository_of_others_is_not_shared(store: Store) -> None:
    put(store, session("a", 0, 1), session("b", 2, 3, user_id=None, repository="ada"))

    told = read(store, "b")

    assert told == []


@pytest.mark.parametrize("agent", ["claude_code", None])
def test_sessions_of_another_agent_are_not_given(store: Store, agent: str | None) -> None:
    put(store, session("a", 0, 1, agent=agent), session("b", 2, 3))

    told = read(store, "b")

    assert told == []


def test_what_still_ran_when_a_session_began_is_not_earlier(store: Store) -> None:
    put(store, session("a", 0, 2), session("b", 0, 1.99), session("c", 2, 3), session("d", 1, 4))

    told = read(store, "c")

    assert told == ["b"]


@pytest.mark.parametrize(("hours", "names"), [(1420, ["a"]), (1420.001, [])])
def test_what_was_over_more_than_thirty_days_before_is_not_given(
    store: Store, hours: float, names: list[str]
) -> None:
    put(store, session("a", 0, 700), session("b", hours, hours))

    told = read(store, "b")

    assert told == names


def test_of_several_sessions_each_earlier_one_is_given_once_in_order_of_its_end(
    store: Store,
) -> None:
    put(store, session("d", 0, 1), session("a", 0, 1), session("b", 0, 0.5), session("c", 2, 3))

    told = read(store, "c", "a")

    assert told == ["b", "a", "d"]


def test_what_is_too_old_for_one_is_not_given_because_of_another_user(store: Store) -> None:
    bobs = session("c", 1, 2, user_id="bob")
    put(store, session("a", 0, 1), session("b", 721.5, 722), bobs, session("d", 0.2, 0.8))

    told = read(store, "b", "c")

    assert told == []


def test_all_that_is_at_hand_may_be_earlier_than_each_other(store: Store) -> None:
    put(store, session("a", 0, 1), session("b", 2, 3), session("c", 4, 5, user_id="bob"))

    told = read(store, "a", "b", "c")

    assert told == ["a"]


def test_a_session_that_has_no_row_yet_has_nothing_earlier(store: Store) -> None:
    put(store, session("a", 0, 1))

    told = read(store, "b", "nobody")

    assert told == []


def test_a_session_without_times_has_nothing_earlier_and_is_earlier_than_nothing(
    store: Store,
) -> None:
    timeless = {"started_at": None, "last_seen_at": None}
    put(store, {**session("a", 0, 1), **timeless}, {**session("b", 2, 3), **timeless})

    told = read(store, "a", "b")

    assert told == []


def test_the_columns_asked_for_are_given_in_their_types(store: Store) -> None:
    put(store, session("a", 0, 1, models=["m", "n"]), session("b", 2, 3))

    told = store.read(pa.array(["b"]), [EARLIER], NOON_US).rows["earlier"]

    assert told.schema == EARLIER.schema
    assert told.to_pylist() == [{"cost_usd": 1.0, "session_id": "a", "models": ["m", "n"]}]


ROWS = (session("a", 0, 1), session("b", 2, 3), session("c", 4, 5), session("d", 6, 7))


@pytest.fixture
def noted(store: Store) -> Store:
    """Give a store with four sessions, one after the other, that all were read."""
    put(store, *ROWS)
    take_note(store)
    return store


def test_a_change_makes_due_what_is_later_and_nothing_before(noted: Store) -> None:
    put(noted, session("b", 2, 3, cost_usd=2.0), only="b")

    told = due(noted)

    assert told == ["b", "c", "d"]


def test_a_change_in_what_nobody_asks_for_makes_only_itself_due(noted: Store) -> None:
    put(noted, session("b", 2, 3, status="idle"), only="b")

    told = due(noted)

    assert told == ["b"]


def test_no_session_is_ready_before_all_are_made_that_may_be_earlier(store: Store) -> None:
    put(store, ROWS[0], only="a")
    early = store.due(ask("notes", upstream=("sessions",)))["ready"].to_pylist()

    put(store, *ROWS)

    late = store.due(ask("notes", upstream=("sessions",)))["ready"].to_pylist()
    assert (set(early), set(late)) == ({False}, {True})


def test_rows_that_stay_the_same_make_nothing_due(noted: Store) -> None:
    put(noted, *reversed(ROWS))

    told = due(noted)

    assert told == []


def test_a_session_that_goes_on_makes_due_what_began_in_the_meantime_and_later(
    noted: Store,
) -> None:
    put(noted, session("a", 0, 4.5), only="a")

    told = due(noted)

    assert told == ["a", "b", "c", "d"]


def test_the_last_session_going_on_makes_nothing_else_due(noted: Store) -> None:
    put(noted, session("d", 6, 8), only="d")

    told = due(noted)

    assert told == ["d"]


def test_a_session_that_went_to_another_user_makes_due_those_of_both(noted: Store) -> None:
    put(noted, *ROWS[:3], session("d", 6, 7, user_id="bob"))
    take_note(noted)

    put(noted, session("a", 0, 1, user_id="bob"), only="a")

    assert due(noted) == ["a", "b", "c", "d"]


def test_a_new_session_makes_due_what_is_later(store: Store) -> None:
    put(store, *ROWS[1:])
    take_note(store)

    put(store, ROWS[0], only="a")

    assert due(store) == ["a", "b", "c", "d"]


def test_a_session_that_is_gone_makes_due_what_was_later(noted: Store) -> None:
    put(noted, only="c")

    told = due(noted)

    assert told == ["c", "d"]


@pytest.mark.parametrize("other", [{"user_id": "bob"}, {"agent": "claude_code"}])
def test_a_change_makes_nothing_due_of_other_users_and_agents(store: Store, other: Row) -> None:
    put(store, *ROWS[:2], session("c", 4, 5, **other))
    take_note(store)

    put(store, session("a", 0, 1, cost_usd=2.0), only="a")

    assert due(store) == ["a", "b"]


def test_a_change_makes_nothing_due_that_began_a_month_later(store: Store) -> None:
    put(store, session("a", 0, 1), session("b", 721, 730), session("c", 722, 730))
    take_note(store)

    put(store, session("a", 0, 1, cost_usd=2.0), only="a")

    assert due(store) == ["a", "b"]


def test_of_several_changes_each_makes_due_only_what_is_later_than_itself(store: Store) -> None:
    others = session("c", 1, 2, user_id="bob"), session("d", 0.2, 0.3)
    put(store, session("a", 0, 5), session("b", 725.5, 726), *others)
    take_note(store)

    changed = session("a", 0, 5, cost_usd=2.0), session("c", 1, 2, user_id="bob", cost_usd=2.0)
    put(store, *changed, session("b", 725.5, 726), others[1])

    assert due(store) == ["a", "c"]


def test_of_several_changes_also_one_that_another_lies_within_makes_due(store: Store) -> None:
    put(store, session("a", 0, 5), session("b", 2, 3), session("c", 721, 730))
    take_note(store)

    changed = [session("a", 0, 5, cost_usd=2.0), session("b", 2, 3, cost_usd=2.0)]
    put(store, *changed, session("c", 721, 730))

    assert due(store) == ["a", "b", "c"]


def test_nobody_is_told_where_no_processor_asks_for_what_is_earlier(noted: Store) -> None:
    noted.prepare({"sessions": KEEPER, "notes": Maker((NOTES,), (SESSIONS,))})
    take_note(noted)

    put(noted, session("b", 2, 3, cost_usd=2.0), only="b")

    assert due(noted) == ["b"]


def test_what_one_change_makes_due_is_run_on_once_and_then_no_more(noted: Store) -> None:
    put(noted, session("a", 0, 1, cost_usd=2.0), only="a")

    ran = [take_note(noted) for _ in range(3)]

    assert (ran, due(noted, "sessions")) == ([["a", "b", "c", "d"], [], []], [])


@pytest.mark.parametrize("order", ["abcd", "dcba", "cadb"])
def test_whatever_is_made_first_all_is_noted_in_the_end_and_nothing_stays_due(
    store: Store, order: str
) -> None:
    for name in order:
        (row,) = (row for row in ROWS if row["session_id"] == name)
        put(store, row, only=name)
        take_note(store)

    left = (due(store), due(store, "sessions"))
    everyone = store.read(pa.array(NAMES), [WRITTEN], NOON_US).rows["notes"].to_pylist()
    assert left == ([], [])
    assert [row["earlier"] for row in everyone] == [[], ["a"], ["a", "b"], ["a", "b", "c"]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    kept = make_store(tmp_path_factory.mktemp("kept") / "agentpond.duckdb")
    yield prepared(kept), prepared(MemorySessionStore())
    kept.stop()


HOURS = st.sampled_from([0.0, 1.0, 2.0, 720.0, 721.0, 722.0])
STATES = st.lists(
    st.builds(
        lambda name, began, lasted, **more: session(name, began, began + lasted, **more),
        st.sampled_from(NAMES),
        HOURS,
        st.sampled_from([0.0, 0.5, 1.0, 5.0]),
        agent=st.sampled_from(["codex", "codex", "codex", "claude_code", None]),
        user_id=st.sampled_from(["ada", "ada", "bob", None]),
        user_email=st.sampled_from(["ada", None]),
        repository=st.sampled_from(["r", None]),
        cost_usd=st.sampled_from([1.0, None]),
        models=st.sampled_from([None, [], ["m"]]),
        status=st.sampled_from(["idle", None]),
    ),
    min_size=2,
    unique_by=lambda row: row["session_id"],
)


@settings(deadline=None, max_examples=12)
@given(st.lists(STATES, min_size=2, max_size=4), st.lists(st.sampled_from(NAMES), unique=True))
def test_both_stores_give_the_same_and_make_the_same_due(
    both: tuple[Store, Store], states: list[list[Row]], at_hand: list[str]
) -> None:
    told: list[list[Any]] = [[], []]
    for store, answers in zip(both, told, strict=True):
        put(store, *states[0])
        take_note(store)
        for rows in states[1:]:
            put(store, *rows)
            answers += [read(store, *at_hand), take_note(store)]

    assert told[0] == told[1]
