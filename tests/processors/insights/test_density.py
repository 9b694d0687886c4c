"""Errors that stand close together are found, and what is only many events is not."""

from typing import Any

from agentpond.pipeline.core.batch import Batch

from ...evidence.happened import at, told
from .given import Row, found, given


def errors(count: int, since: int = 0, **columns: Any) -> list[Row]:
    """Make events that tell of an error, one a second."""
    row = {"event_type": "tool_result", "success": False, **columns}
    return [{**row, "time": at(since + number)} for number in range(count)]


def fine(count: int, since: int = 0, **columns: Any) -> list[Row]:
    """Make events that tell of none, one a second."""
    return errors(count, since, **{"success": True, **columns})


def density(batch: Batch, **options: Any) -> list[Row]:
    return found("error_density", given(batch, api_calls=[], tool_calls=[]), **options)


def test_more_than_25_errors_among_100_events_are_found() -> None:
    batch = told(*fine(200), *errors(26, 200), *fine(50, 226))

    (row,) = density(batch)

    assert (row["payload"], row["severity"]) == ({"errors": 26, "events": 100}, "warning")
    assert row["message"].startswith("26 errors among 100 events in a row.")


def test_25_errors_among_100_events_are_not() -> None:
    batch = told(*fine(200), *errors(25, 200), *fine(50, 225))

    assert density(batch) == []


def test_errors_that_stand_far_apart_are_not_found() -> None:
    batch = told(*errors(20), *fine(90, 20), *errors(20, 110))

    assert density(batch) == []


def test_how_many_errors_and_among_how_many_events_can_be_set() -> None:
    batch = told(*errors(2), *fine(4, 2), *errors(2, 6))

    options = {"density_errors": 2, "density_events": 6}

    assert density(batch, **options) == []
    assert [row["payload"] for row in density(batch, **{**options, "density_events": 7})] == [
        {"errors": 3, "events": 7}
    ]


def test_more_than_twice_as_many_are_critical() -> None:
    severities = [density(told(*errors(count)))[0]["severity"] for count in (50, 51)]

    assert severities == ["warning", "critical"]


def test_the_first_errors_of_the_stretch_are_its_evidence() -> None:
    batch = told(*fine(100), *errors(30, 100))

    (row,) = density(batch)

    assert row["evidence"] == list(range(101, 121))


def test_it_began_with_the_first_event_of_the_stretch() -> None:
    batch = told(*fine(100), *errors(30, 100))

    (row,) = density(batch)

    assert row["at"] == at(30)


def test_of_two_stretches_with_as_many_the_first_is_told() -> None:
    batch = told(*errors(26), *fine(200, 26), *errors(26, 226))

    (row,) = density(batch)

    assert row["at"] == at(0)


def test_its_id_stays_the_same_when_more_errors_come() -> None:
    ids = {density(told(*errors(count)))[0]["insight_id"] for count in (26, 27, 60)}

    assert len(ids) == 1


def test_what_logs_tell_is_not_counted_in_spans_again() -> None:
    batch = told(*errors(20), *errors(20, signal="traces"))

    assert density(batch) == []


def test_spans_count_where_no_log_tells() -> None:
    batch = told(*errors(26, signal="traces", event_type="tool"))

    assert len(density(batch)) == 1


def test_metrics_and_chunks_of_a_stream_are_no_events_here() -> None:
    chunks = fine(300, event_type="stream_chunk")
    points = fine(300, event_type="metric", signal="metrics")
    batch = told(*chunks, *points, *errors(26))

    (row,) = density(batch)

    assert row["payload"] == {"errors": 26, "events": 26}


def test_an_exit_code_an_api_error_and_a_message_are_errors_and_what_is_not_told_is_none() -> None:
    batch = told(
        *errors(1, success=None),
        *errors(1, success=None, exit_code=0),
        *errors(1, success=None, exit_code=2),
        *errors(1, success=None, event_type="api_error"),
        *errors(1, success=None, error_message="gone"),
    )

    (row,) = density(batch, density_errors=1)

    assert (row["payload"]["errors"], row["evidence"]) == (3, [3, 4, 5])


def test_errors_of_two_sessions_do_not_add_up() -> None:
    batch = told(*errors(20), *errors(20, session_id="other"), *errors(27, session_id="third"))

    rows = density(batch)

    assert [(row["session_id"], row["payload"]["errors"]) for row in rows] == [("third", 27)]


def test_each_session_has_the_first_20_of_its_own_errors_as_evidence() -> None:
    batch = told(*errors(30), *errors(30, session_id="t"))

    evidence = [row["evidence"] for row in density(batch)]

    assert evidence == [list(range(1, 21)), list(range(31, 51))]


def test_it_can_be_switched_off() -> None:
    assert density(told(*errors(60)), off=["error_density"]) == []


def test_uses_of_tools_that_were_turned_down_are_no_errors() -> None:
    refused = {"tool_name": "Bash", "decision": "reject", "decision_source": "user_reject"}
    rows = [{**row, **refused, "tool_call_id": f"c{n}"} for n, row in enumerate(errors(30))]

    assert found("error_density", given(told(*rows), api_calls=[])) == []
