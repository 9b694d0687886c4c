"""Check which model leads in groups of API calls."""

import pyarrow as pa

from agentpond.pipeline.evidence.models import leading_calls
from agentpond.pipeline.session.groups import Groups

Call = tuple[str, str | None, int | None]
"""The group of a call, its model, and the tokens it put out."""


def leading(*calls: Call, rest: tuple[int, ...] = ()) -> list[int | None]:
    """Give the place of the call that leads in each group, by the groups' first calls."""
    groups = Groups.by(pa.array([group for group, _, _ in calls], pa.string()))
    ids = [f"{n}/rest" if n in rest else f"{n}" for n in range(len(calls))]
    columns = {
        "api_call_id": pa.array(ids, pa.string()),
        "model": pa.array([model for _, model, _ in calls], pa.string()),
        "output_tokens": pa.array([output for _, _, output in calls], pa.int64()),
    }
    places: list[int | None] = leading_calls(groups, pa.record_batch(columns)).to_pylist()
    return places


def test_the_model_that_put_out_most_in_all_its_calls_leads() -> None:
    assert leading(("s", "a", 5), ("s", "b", 3), ("s", "b", 3)) == [1]


def test_of_two_that_put_out_as_much_that_of_more_calls_leads() -> None:
    assert leading(("s", "a", 4), ("s", "b", 2), ("s", "b", 2)) == [1]


def test_what_is_left_of_a_turns_tokens_is_no_call() -> None:
    assert leading(("s", "b", 2), ("s", "b", 2), ("s", "a", 4), rest=(1,)) == [2]


def test_of_two_that_are_alike_that_whose_name_comes_first_leads() -> None:
    assert leading(("s", "b", 4), ("s", "a", 4)) == [1]


def test_calls_without_a_model_are_those_of_one_called_unknown() -> None:
    assert leading(("s", "a", 4), ("s", None, 3), ("s", None, 2)) == [1]


def test_each_group_has_a_model_of_its_own() -> None:
    assert leading(("r", "a", None), ("s", "a", 1), ("s", "b", 2)) == [0, 2]


def test_a_group_without_calls_has_none() -> None:
    calls = pa.record_batch(
        {
            "api_call_id": pa.array(["0"]),
            "model": pa.array(["a"]),
            "output_tokens": pa.array([1], pa.int64()),
        }
    )

    assert leading_calls(Groups.at(pa.array([1]), 2), calls).to_pylist() == [None, 0]
