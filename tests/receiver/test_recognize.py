"""Tell who speaks by scope and name, never by the service's name."""

from typing import Any

import pytest

from .build import CLAUDE_CODE, CODEX, gauge, log, logs, rows, span, spans


@pytest.mark.parametrize(
    ("scope", "name", "agent"),
    [
        (CLAUDE_CODE, "api_request", "claude_code"),
        ("com.anthropic.claude_code", "anything", "claude_code"),
        ("", "claude_code.api_request", "claude_code"),
        (CODEX, "codex.api_request", "codex"),
        ("codex_otel::trace_context", "", "codex"),
        ("codex", "codex.thread.started", "codex"),
        ("", "codex.tool_result", "codex"),
        ("some.library", "gen_ai.choice", "my-service"),
        ("some.library", "", "my-service"),
    ],
)
def test_scope_or_name_says_who_speaks(scope: str, name: str, agent: str) -> None:
    told = {"event.name": name} if name else {}

    (row,) = rows(logs([log(told)], scope, {"service.name": "my-service"}))

    assert row["agent"] == agent


@pytest.mark.parametrize("service", ["claude-code", "codex_exec"])
def test_a_child_process_that_inherits_the_service_name_is_no_agent(service: str) -> None:
    (row,) = rows(spans([span({}, name="GET /")], "http.client", {"service.name": service}))

    assert (row["agent"], row["event_type"], row["event_name"]) == (service, "span", "GET /")


def test_a_metric_is_recognised_by_its_name() -> None:
    (row,) = rows(gauge("claude_code.token.usage", {"model": "m"}, 3.0))

    assert (row["agent"], row["event_type"], row["model"]) == ("claude_code", "metric", "m")


@pytest.mark.parametrize(
    ("told", "fields", "name"),
    [
        ({"event.name": "a.b"}, {"event_name": "c.d", "body": "e.f"}, "c.d"),
        ({"event.name": "a.b"}, {"event_name": "event otel/src/a.rs:7", "body": "e.f"}, "a.b"),
        ({"event.name": "a.b"}, {"body": "e.f"}, "a.b"),
        ({}, {"event_name": "c.d", "body": "e.f"}, "c.d"),
        ({}, {"event_name": "event otel/src/a.rs:7", "body": "e.f"}, "e.f"),
        ({}, {"body": "Some words."}, None),
        ({}, {}, None),
    ],
)
def test_a_log_record_s_name_is_its_field_then_its_attribute_then_its_body(
    told: dict[str, Any], fields: dict[str, Any], name: str | None
) -> None:
    record = log(told, event_name=fields.get("event_name", ""))
    if "body" in fields:
        record.body.string_value = fields["body"]

    (row,) = rows(logs([record]))

    assert row["event_name"] == name


@pytest.mark.parametrize(("told", "kept"), [("a.b", {"event.name": "a.b"}), ("c.d", {})])
def test_an_attribute_that_names_a_record_otherwise_than_its_field_is_kept(
    told: str, kept: dict[str, str]
) -> None:
    (row,) = rows(logs([log({"event.name": told}, event_name="c.d")]))

    assert row["attributes"] == kept


def test_records_of_several_dialects_in_one_request_each_find_theirs() -> None:
    told = [{"event.name": "claude_code.user_prompt"}, {}, {"event.name": "codex.user_prompt"}]

    found = rows(logs([log(one) for one in told], resource={"service.name": "x"}))

    assert sorted((row["agent"], row["event_type"]) for row in found) == [
        ("claude_code", "user_prompt"),
        ("codex", "user_prompt"),
        ("x", "other"),
    ]
