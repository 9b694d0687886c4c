"""Check who a session belongs to and where it ran."""

import pyarrow as pa
import pytest

from agentpond.pipeline.core.made import TOOL_CALLS
from agentpond.pipeline.testing import builders

from .given import Row, session, sessions, told


def test_the_last_that_is_told_of_who_and_where_counts() -> None:
    events = told(
        {"agent_version": "2.1.197", "branch": "main", "user_email": "ann@example.org"},
        {"agent_version": "2.1.198", "branch": "fix"},
        {"agent_version": None},
    )

    row = session(events)

    assert row["agent_version"] == "2.1.198"
    assert row["branch"] == "fix"
    assert row["user_email"] == "ann@example.org"


def test_settings_say_what_nothing_tells() -> None:
    events = told({"team": None})
    defaults: Row = {"team": "platform", "organization_id": "org-1", "repository": "demo"}

    row = session(events, user_email="ann@example.org", **defaults)

    assert {name: row[name] for name in (*defaults, "user_email")} == {
        **defaults,
        "user_email": "ann@example.org",
    }


def test_what_is_told_wins_over_settings() -> None:
    events = told({"team": "search", "user_email": "ann@example.org"})

    row = session(events, team="platform", teams={"*@example.org": "other"})

    assert row["team"] == "search"


def test_a_team_is_found_by_the_users_address() -> None:
    events = told({"user_email": "Ann@Example.org"})
    teams = {"bob@*": "b", "*@example.org": "platform", "ann@*": "a"}

    row = session(events, team="others", teams=teams)

    assert row["team"] == "platform"


def test_a_user_of_no_team_is_in_that_of_the_rest() -> None:
    events = told({"user_email": "ann@example.net"})

    row = session(events, team="others", teams={"*@example.org": "platform"})

    assert row["team"] == "others"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("https://user:p@ss@github.com/acme/shop.git", "https://github.com/acme/shop"),
        ("https://github.com/acme/shop/", "https://github.com/acme/shop"),
        ("https://github.com/acme/shop?token=abc", "https://github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop"),
        ("ssh://git@git.acme.dev:2222/acme/shop.git", "https://git.acme.dev/acme/shop"),
        ("acme/shop", "acme/shop"),
    ],
)
def test_a_repository_has_one_name_and_no_credentials(sent: str, name: str) -> None:
    events = told({"repository": sent})

    row = session(events)

    assert row["repository"] == name


def test_what_nothing_tells_is_null() -> None:
    events = told({"event_type": "other"})

    row = session(events)

    assert row.keys().isdisjoint({"team", "user_email", "repository", "cwd", "parent_session_id"})


def test_events_of_no_session_tell_only_what_all_agree_on() -> None:
    stray: Row = {"agent": "codex", "session_id": None, "team": "platform"}
    events = told(stray | {"cwd": "/one"}, stray | {"cwd": "/two"}, stray)
    unit = "no-session:codex:2026-11-20"
    use = builders.batch(TOOL_CALLS, 1, session_id=unit).records

    rows = sessions(events, {"tool_calls": pa.Table.from_batches([use])})

    assert rows[unit]["team"] == "platform"
    assert "cwd" not in rows[unit]
