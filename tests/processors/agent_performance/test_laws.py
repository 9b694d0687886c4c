"""Hold the sorting of columns by model against one that walks, on sessions made up at random."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from .given import Row, call, performance, tables, tool, turn, values

SESSIONS = st.sampled_from("rs")
TURNS = st.sampled_from([None, "t1", "t2"])
Key = tuple[str, str]


@st.composite
def calls(draw: st.DrawFn) -> Row:
    model, turn_id = draw(st.sampled_from([None, "a", "b"])), draw(TURNS)
    told = {"session_id": draw(SESSIONS), "output_tokens": draw(st.sampled_from([None, 0, 1, 2]))}
    return call(model, turn_id, **told)


@st.composite
def tools(draw: st.DrawFn) -> Row:
    return tool(draw(TURNS), session_id=draw(SESSIONS))


@st.composite
def turns(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.sets(st.tuples(SESSIONS, st.sampled_from(["t1", "t2", "t3"]))))
    return [turn(turn_id, session_id=session_id) for session_id, turn_id in sorted(keys)]


def name_of(row: Row) -> str:
    return row["model"] or "unknown"


def leading(rows: list[Row]) -> str:
    """Walk through calls, and name the model that put out most."""
    output: Counter[str] = Counter()
    for row in rows:
        output[name_of(row)] += row["output_tokens"] or 0
    count = Counter(name_of(row) for row in rows)
    return min(output, key=lambda name: (-output[name], -count[name], name), default="unknown")


def belongs(row: Row, every: list[Row]) -> Key:
    of_session = [each for each in every if each["session_id"] == row["session_id"]]
    of_turn = [each for each in of_session if each["turn_id"] == row["turn_id"]]
    named = of_turn if row["turn_id"] else []
    return row["session_id"], leading(named or of_session)


@given(st.lists(calls(), max_size=8), st.lists(tools(), max_size=4), turns())
@settings(deadline=timedelta(seconds=5))
def test_columns_sort_as_walking_does(every: list[Row], used: list[Row], begun: list[Row]) -> None:
    rows = performance(tables(every, used, begun))

    called = Counter((row["session_id"], name_of(row)) for row in every)
    in_tools, in_turns = (Counter(belongs(row, every) for row in each) for each in (used, begun))
    keys = sorted({*called, *in_tools, *in_turns})
    assert values(rows, "session_id", "model", "api_calls", "tool_calls", "turns") == [
        (*key, called[key], in_tools[key], in_turns[key]) for key in keys
    ]


@given(st.lists(calls(), max_size=8), st.lists(tools(), max_size=4), turns())
@settings(deadline=timedelta(seconds=5), max_examples=25)
def test_rows_of_a_session_do_not_depend_on_another(
    every: list[Row], used: list[Row], begun: list[Row]
) -> None:
    parts = (every, used, begun)
    alone = [
        row
        for name in "rs"
        for row in performance(
            tables(*([row for row in part if row["session_id"] == name] for part in parts))
        )
    ]

    assert performance(tables(*parts)) == alone
