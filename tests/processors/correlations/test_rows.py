"""Check what errors are related to: who did what last to their files, and how long before."""

from agentpond.pipeline.processors import error_clusters
from agentpond.pipeline.processors.correlations import factory
from agentpond.pipeline.testing import check_processor, settings
from agentpond.pipeline.testing.sessions import run_sessions

from ...evidence.happened import at, chain, decided, edited, failed, prompt, ran, told, used
from .given import correlated, related

CALC = "/srv/demo-app/src/calc.py"
TRACE = 'Traceback:\n  File "src/calc.py", line 3, in divide\nZeroDivisionError'
TESTS = "python3 -m pytest"


def test_an_error_that_names_a_file_is_related_to_the_agents_edit_of_it() -> None:
    given = told(edited(1, CALC), ran(5, TESTS, TRACE))

    rows = correlated(given)

    assert [{**row, "fingerprint": None} for row in rows] == [
        {
            "session_id": "s",
            "agent": "claude_code",
            "error_event_id": 2,
            "cause_event_id": 1,
            "cause": "agent",
            "file_path": CALC,
            "error_at": at(5),
            "time_delta_ms": 4000.0,
            "confidence": 0.7,
            "turn_id": "t",
            "tool_call_id": "Bash-5",
            "fingerprint": None,
        }
    ]


def test_it_has_the_fingerprint_of_its_cluster() -> None:
    given = told(edited(1, CALC), ran(5, TESTS, "divide(1, 0) in src/calc.py is no number"))
    cluster = error_clusters.factory.build(error_clusters.Config(), settings())

    clusters = run_sessions([*chain(), cluster], given)["error_clusters"]

    assert [row["fingerprint"] for row in correlated(given)] == clusters["fingerprint"].to_pylist()


def test_a_file_a_human_named_is_related_with_less_confidence() -> None:
    given = told(
        prompt(1, "Have a look at @src/calc.py, please."),
        failed(3, "Read", f'{{"file_path":"{CALC}"}}', "File does not exist."),
    )

    (row,) = correlated(given)

    assert (row["cause"], row["confidence"], row["file_path"]) == ("human", 0.5, "src/calc.py")


def test_each_file_of_a_patch_is_a_cause() -> None:
    patch = (
        "*** Begin Patch\n*** Update File: src/calc.py\n@@\n-a\n+b\n"
        "*** Add File: src/stats.py\n+c\n*** End Patch\n"
    )
    given = told(
        used(1, "apply_patch", patch),
        ran(2, TESTS, "src/stats.py:1: SyntaxError"),
        ran(3, TESTS, "src/calc.py:7: NameError"),
        agent="codex",
    )

    assert related(given) == [
        (2, 1, "agent", "src/stats.py"),
        (3, 1, "agent", "src/calc.py"),
    ]


def test_where_a_patch_moves_a_file_to_is_a_cause() -> None:
    patch = (
        "*** Begin Patch\n*** Update File: src/calc.py\n*** Move to: lib/calc.py\n*** End Patch\n"
    )
    given = told(
        used(1, "apply_patch", patch), ran(2, TESTS, "lib/calc.py:7: NameError"), agent="codex"
    )

    assert related(given) == [(2, 1, "agent", "lib/calc.py")]


def test_an_edit_that_a_human_refused_is_his_doing() -> None:
    edit = f'{{"file_path":"{CALC}"}}'
    given = told(
        {**_span(1, 2, edit), "decision": None},
        decided(2, "Edit", "e", "reject", "user_reject"),
        failed(5, "Edit", edit, "String to replace not found in file."),
    )

    assert related(given) == [(3, 2, "human", CALC)]


def test_what_a_human_allowed_and_worked_is_the_agents_doing() -> None:
    edit = edited(2, CALC, tool_call_id="e")
    given = told(decided(1, "Edit", "e", "accept", "user_temporary"), edit, ran(5, TESTS, TRACE))

    assert related(given) == [(3, 2, "agent", CALC)]


def test_what_a_human_allowed_is_not_why_it_failed_itself() -> None:
    edit = failed(2, "Edit", f'{{"file_path":"{CALC}"}}', "Not found.", tool_call_id="e")
    given = told(decided(1, "Edit", "e", "accept", "user_temporary"), edit)

    assert related(given) == []


def test_behind_what_was_decided_on_the_use_that_failed_what_was_before_counts() -> None:
    edit = failed(3, "Edit", f'{{"file_path":"{CALC}"}}', "Not found.", tool_call_id="e")
    given = told(edited(1, CALC), decided(2, "Edit", "e", "accept", "user_temporary"), edit)

    assert related(given) == [(3, 1, "agent", CALC)]


def test_what_rules_decided_is_nobodys_doing() -> None:
    edit = failed(2, "Edit", f'{{"file_path":"{CALC}"}}', "Not found.", tool_call_id="e")
    given = told(decided(1, "Edit", "e", "accept", "config"), edit, ran(5, TESTS, TRACE))

    assert related(given) == []


def test_an_edit_that_failed_is_no_cause() -> None:
    given = told(failed(1, "Edit", f'{{"file_path":"{CALC}"}}', "Not found."), ran(5, TESTS, TRACE))

    assert related(given) == []


def test_an_edit_after_the_error_is_no_cause() -> None:
    given = told(ran(1, TESTS, TRACE), edited(5, CALC))

    assert related(given) == []


def test_of_two_edits_the_last_one_before_the_error_counts() -> None:
    given = told(edited(1, CALC), edited(2, CALC), ran(5, TESTS, TRACE), edited(6, CALC))

    assert related(given) == [(3, 2, "agent", CALC)]


def test_what_was_done_last_counts_whoever_did_it() -> None:
    given = told(edited(1, CALC), prompt(2, "calc.py is wrong"), ran(5, TESTS, TRACE))

    assert related(given) == [(3, 2, "human", "calc.py")]


def test_edits_of_another_session_do_not_count() -> None:
    given = told(edited(1, CALC, session_id="other"), ran(5, TESTS, TRACE))

    assert related(given) == []


def test_what_was_done_longer_ago_than_within_does_not_count() -> None:
    given = told(edited(0, CALC), ran(61, TESTS, TRACE))

    assert (related(given, within="1m"), len(related(given, within="61s"))) == ([], 1)


def test_an_error_without_a_file_is_related_to_nothing() -> None:
    given = told(edited(1, CALC), ran(5, TESTS, "Shell command failed"))

    assert related(given) == []


def test_a_file_that_only_the_failing_command_names_counts() -> None:
    given = told(edited(1, CALC), ran(5, "ruff check src/calc.py", "Shell command failed"))

    assert related(given) == [(2, 1, "agent", CALC)]


def test_a_file_whose_name_only_ends_alike_is_another() -> None:
    given = told(edited(1, "/srv/demo-app/src/xcalc.py"), ran(5, TESTS, TRACE))

    assert related(given) == []


def test_a_file_of_that_name_in_another_folder_is_another() -> None:
    given = told(edited(1, "/srv/demo-app/lib/calc.py"), ran(5, TESTS, TRACE))

    assert related(given) == []


def test_a_path_with_backslashes_is_the_same_file() -> None:
    given = told(
        edited(1, "C:\\\\code\\\\src\\\\calc.py"),
        ran(5, TESTS, r"C:\code\src\calc.py:3: ZeroDivisionError"),
        ran(6, TESTS, "src/calc.py:3: ZeroDivisionError"),
    )

    assert related(given) == [
        (2, 1, "agent", r"C:\code\src\calc.py"),
        (3, 1, "agent", r"C:\code\src\calc.py"),
    ]


def test_an_error_that_names_a_file_twice_is_one_row() -> None:
    given = told(
        edited(1, CALC), ran(5, "pytest src/calc.py", f"calc.py failed\n{CALC}:3: NameError")
    )

    assert related(given) == [(2, 1, "agent", CALC)]


def test_an_error_about_two_files_is_two_rows() -> None:
    given = told(
        edited(1, CALC),
        edited(2, "/srv/demo-app/src/stats.py"),
        ran(5, TESTS, "src/stats.py:1: in mean\nsrc/calc.py:3: NameError"),
    )

    assert related(given) == [
        (3, 1, "agent", CALC),
        (3, 2, "agent", "/srv/demo-app/src/stats.py"),
    ]


def test_a_file_that_only_a_message_of_the_command_names_does_not_count() -> None:
    given = told(
        edited(0, "/srv/README.md"),
        ran(5, "git commit -m 'update README.md'", "fatal: unable to detect email address"),
    )

    assert related(given) == []


def test_a_file_of_that_name_in_another_folder_than_the_command_s_is_another() -> None:
    error = "src/index.ts(3,5): error TS2322: x"
    given = told(
        edited(0, "/srv/a/src/index.ts"),
        ran(5, "cd /srv/b && tsc", error),
        ran(6, "cd b && tsc", error),
        ran(7, "cd /srv/b && tsc src/index.ts", "Shell command failed"),
    )

    assert related(given) == []


def test_of_files_of_that_name_the_one_in_the_command_s_folder_counts() -> None:
    error = "src/index.ts(3,5): error TS2322: x"
    given = told(
        edited(0, "/srv/b/src/index.ts"),
        edited(1, "/srv/a/src/index.ts"),
        ran(5, "cd /srv/b && tsc", error),
        ran(6, "tsc", error),
    )

    assert related(given) == [
        (3, 1, "agent", "/srv/b/src/index.ts"),
        (4, 2, "agent", "/srv/a/src/index.ts"),
    ]


def test_a_file_deeper_in_the_command_s_folder_counts() -> None:
    error = "src/index.ts(3,5): error TS2322: x"
    given = told(
        edited(0, "/srv/b/packages/web/src/index.ts"),
        ran(5, "cd /srv/b && tsc", error),
        ran(6, "cd packages/web && tsc", error),
    )

    assert related(given) == [
        (2, 1, "agent", "/srv/b/packages/web/src/index.ts"),
        (3, 1, "agent", "/srv/b/packages/web/src/index.ts"),
    ]


def test_a_file_that_others_wrote_is_not_the_one_of_that_name() -> None:
    trace = 'File "/usr/lib/python3/site-packages/x/utils.py", line 2, in f'
    given = told(edited(0, "utils.py"), ran(5, TESTS, trace))

    assert related(given) == []


def test_a_file_that_others_wrote_is_related_where_its_edit_says_so_too() -> None:
    given = told(
        edited(0, "node_modules/x/index.js"),
        ran(5, TESTS, "at f (/srv/app/node_modules/x/index.js:3:5)"),
    )

    assert related(given) == [(2, 1, "agent", "node_modules/x/index.js")]


def test_what_ended_at_the_same_moment_but_began_before_counts() -> None:
    given = told(
        edited(5, CALC, duration_ms=2000.0, tool_call_id="z"),
        ran(5, TESTS, TRACE, duration_ms=1000.0, tool_call_id="a"),
    )

    assert related(given) == [(2, 1, "agent", CALC)]


def test_prompts_that_agents_make_up_are_no_humans() -> None:
    given = told(
        prompt(1, "<task-notification>Tests of src/calc.py are over.</task-notification>"),
        ran(5, TESTS, TRACE),
    )

    assert related(given) == []


def test_a_decision_is_of_the_moment_its_span_tells() -> None:
    edit = f'{{"file_path":"{CALC}"}}'
    wait = {"event_type": "tool_wait", "signal": "traces", "decision": "reject"}
    given = told(
        {**_span(1, 3, edit), "span_id": "a" * 16},
        {
            **wait,
            "time": at(1),
            "end_time": at(2.5),
            "duration_ms": 1500.0,
            "decision_source": "user_reject",
            "parent_span_id": "a" * 16,
            "trace_id": "b" * 32,
        },
        ran(5, TESTS, TRACE),
    )

    (row,) = correlated(given)

    assert (row["cause"], row["cause_event_id"], row["time_delta_ms"]) == ("human", 1, 2500.0)


def test_it_keeps_the_contract_where_it_has_much_to_relate() -> None:
    given = told(
        prompt(0, "Mend src/calc.py and src/stats.py"),
        edited(1, CALC),
        edited(1, CALC, session_id="other", tool_call_id="o"),
        ran(5, TESTS, TRACE),
        ran(6, TESTS, TRACE, session_id="other", tool_call_id="p"),
        failed(7, "Read", '{"file_path":"src/stats.py"}', "gone", session_id="third"),
        failed(8, "Read", '{"file_path":"src/stats.py"}', "gone"),
    )
    made = run_sessions(chain(), given)

    check_processor(factory, {}, batches=[given], made=made)

    assert len(related(given)) == 3


def _span(seconds: float, until: float, tool_input: str) -> dict[str, object]:
    """Make the span of an edit that was not allowed."""
    times = {"time": at(seconds), "end_time": at(until), "duration_ms": (until - seconds) * 1000}
    call = {"tool_name": "Edit", "tool_call_id": "e", "tool_input": tool_input}
    return {"event_type": "tool", "signal": "traces", "trace_id": "b" * 32, **times, **call}
