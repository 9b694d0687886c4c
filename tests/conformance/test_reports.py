"""A report says of every rule how it ended, and of every failure what was sent and came back."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from agentpond.conformance import Outcome, Result
from agentpond.conformance.model import Level
from agentpond.conformance.reports import json_text, junit, table

BROKEN = Result(
    rule=28,
    level=Level.MUST,
    outcome=Outcome.FAIL,
    why="should be 200",
    endpoint="http://a:4318",
    words="a whole request",
    signal="traces",
    transport="HTTP/JSON",
    compression="gzip",
    sent="POST /v1/traces; 9 bytes",
    came="202; 0 bytes",
)
KEPT = replace(BROKEN, rule=1, outcome=Outcome.PASS, why="")
UNSEEN = Result(12, Level.SAYS, Outcome.NOT_APPLICABLE, "cannot be seen from outside")
RESULTS = [KEPT, UNSEEN, BROKEN, replace(BROKEN, signal="logs")]


def test_the_table_has_a_line_for_each_rule_with_its_counts() -> None:
    lines = [line.split("\u2502") for line in table(RESULTS).splitlines() if "\u2502" in line]

    told = [[cell.strip() for cell in (line[0], line[1], *line[3:])] for line in lines]
    assert told == [
        ["1", "MUST", "pass", "1", "", ""],
        ["12", "says", "n/a", "", "", "1"],
        ["28", "MUST", "fail", "", "2", ""],
    ]


def test_the_table_tells_once_what_failed_alike() -> None:
    lines = table(RESULTS).splitlines()

    at = lines.index("  MUST: a whole request: should be 200.")
    assert lines[at + 1 : at + 3] == [
        "    2 x: http://a:4318; HTTP/JSON; traces, logs; gzip",
        "    came: 202; 0 bytes",
    ]


def test_the_table_names_the_level_of_a_failure_that_is_not_the_rules_own() -> None:
    weaker = replace(BROKEN, rule=1, level=Level.PRACTICE)

    drawn = table([weaker])

    assert "fail (practice)" in drawn


def test_json_holds_each_check_with_what_was_sent_and_what_came() -> None:
    told = json.loads(json_text(RESULTS))

    assert [(rule["rule"], rule["outcome"]) for rule in told["rules"]] == [
        (1, "pass"),
        (12, "n/a"),
        (28, "fail"),
    ]
    assert told["rules"][2]["cases"][0]["sent"] == "POST /v1/traces; 9 bytes"
    assert told["rules"][2]["cases"][0]["came"] == "202; 0 bytes"


def test_junit_has_a_test_case_for_each_check() -> None:
    root = ET.fromstring(junit(RESULTS))  # noqa: S314 - our own

    suites = [(s.get("tests"), s.get("failures"), s.get("skipped")) for s in root]
    assert suites == [("1", "0", "0"), ("1", "0", "1"), ("2", "2", "0")]
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "should be 200"
    assert failure.text == "http://a:4318\nsent: POST /v1/traces; 9 bytes\ncame: 202; 0 bytes"


def test_junit_can_be_read_whatever_came_back() -> None:
    odd = replace(BROKEN, came="\x00\x1b[31m \ud800 <&>")

    root = ET.fromstring(junit([odd]).encode())  # noqa: S314 - our own

    assert root.find("testsuite/testcase/failure") is not None
