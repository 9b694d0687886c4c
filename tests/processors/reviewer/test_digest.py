"""What is told of a session to a model, and what never is."""

import json

import pytest

from .given import (
    at,
    call,
    cells,
    cluster,
    digest,
    digest_texts,
    insight,
    session,
    sessions,
    tool,
    turn,
    usual,
)

CANARY = "canary-4711"
KIB = 1024
FOLDER = "home"
"""Apart from its slash: no file of ours may hold a path of somebody's machine."""


def test_it_tells_what_a_session_came_to() -> None:
    told = digest(usual())["session"]

    chosen = {name: told[name] for name in ("agent", "models", "turns", "api_calls", "cost_usd")}
    assert chosen == {
        "agent": "claude_code",
        "models": "opus",
        "turns": 2,
        "api_calls": 41,
        "cost_usd": 1.2,
    }


def test_what_is_not_told_is_null() -> None:
    told = digest({"sessions": [session(cost_usd=None)]})

    assert told["session"]["cost_usd"] is None


def test_the_times_of_turns_are_those_since_the_session_began() -> None:
    turns = [turn(1, started_at=at(0.5), duration_ms=61_540.0)]

    (told,) = cells(digest({"sessions": [session()], "turns": turns})["turns"])

    assert (told["after_s"], told["seconds"]) == (30, 61.5)


def test_models_are_summed_up() -> None:
    calls = [call("a", cost_usd=0.5), call("b"), call("a", success=False, output_tokens=None)]

    told = cells(digest({"sessions": [session()], "api_calls": calls})["models"])

    assert [(each["model"], each["calls"], each["failed"], each["cost_usd"]) for each in told] == [
        ("a", 2, 1, 0.5),
        ("b", 1, 0, None),
    ]


def test_tools_are_summed_up() -> None:
    uses = [
        tool("Bash"),
        tool("Bash", success=False),
        tool("Edit", success=None, status="rejected"),
        tool("Read", success=None, status="no_result"),
    ]

    told = cells(digest({"sessions": [session()], "tool_calls": uses})["tools"])

    assert [tuple(each.values())[:5] for each in told] == [
        ("Bash", 2, 1, 0, 0),
        ("Edit", 1, None, 1, 0),
        ("Read", 1, None, 0, 1),
    ]


def test_errors_are_told_by_category_fingerprint_tool_and_program() -> None:
    row = cluster(
        "Login of customer Alice Smith failed",
        fingerprint="00ff",
        category="authentication",
        command="psql -c accounts",
        tool_name="Bash",
        count=3,
    )

    (told,) = cells(digest({"sessions": [session()], "error_clusters": [row]})["errors"])

    assert told == {
        "category": "authentication",
        "fingerprint": "00ff",
        "source": None,
        "tool": "Bash",
        "program": "psql",
        "count": 3,
        "resolved": None,
        "cost_after_usd": None,
    }


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("git push", "git"),
        ("/usr/bin/cat", "cat"),
        ("python3 -m pytest", "python3"),
        ("(curl -u admin:hunter2 https://x)", None),
        ("{ export DBPW=hunter2; psql; }", None),
        ("DBPW=hunter2 psql", None),
        (None, None),
    ],
)
def test_of_a_command_its_program_alone_is_told(command: str | None, program: str | None) -> None:
    rows = {"sessions": [session()], "error_clusters": [cluster("x", command=command)]}

    (told,) = cells(digest(rows)["errors"])

    assert told["program"] == program


def test_with_prompts_templates_and_commands_are_told() -> None:
    rows = {"sessions": [session()], "error_clusters": [cluster("no <path>", command="git push")]}

    (told,) = cells(digest(rows, prompts=True)["errors"])

    assert (told["template"], told["command"]) == ("no <path>", "git push")


def test_findings_are_told_by_kind_and_numbers() -> None:
    found = [insight("retries", turn_id="t2", payload='{"failed": 4, "example": "Overloaded"}')]

    (told,) = cells(digest({**usual(), "insights": found})["findings"])

    assert {**told, "numbers": json.loads(told["numbers"])} == {
        "kind": "retries",
        "severity": "warning",
        "category": None,
        "turn": 2,
        "cost_usd": None,
        "numbers": {"failed": 4, "example": "<text>"},
    }


def test_names_of_tools_stay_in_the_numbers() -> None:
    payload = json.dumps({"tool_name": 'a "b"', "what": 'echo "program": "x"', "denied": 2})

    (told,) = cells(digest({**usual(), "insights": [insight("x", payload=payload)]})["findings"])

    assert json.loads(told["numbers"]) == {"tool_name": 'a "b"', "what": "<text>", "denied": 2}


@pytest.mark.parametrize(
    ("program", "told"),
    [("git push", "git"), ("/bin/cat", "cat"), ("X=hunter2 psql", "<text>"), ('a "b"', "a")],
)
def test_of_programs_in_the_numbers_their_names_alone_stay(program: str, told: str) -> None:
    payload = json.dumps({"program": program, "failures": 3})

    (row,) = cells(digest({**usual(), "insights": [insight("x", payload=payload)]})["findings"])

    assert json.loads(row["numbers"]) == {"program": told, "failures": 3}


def written() -> dict[str, list[dict[str, object]]]:
    """Give a session in which all that was written holds the canary."""
    return {
        "sessions": [session(cwd=CANARY, repository=CANARY, user_email=CANARY, user_id=CANARY)],
        "turns": [turn(1, prompt=f"Mend {CANARY}")],
        "error_clusters": [
            cluster(
                f"no {CANARY}",
                fingerprint="00ff",
                command=f"git commit {CANARY}",
                **dict.fromkeys(("example", "resolved_by", "advice"), CANARY),
            ),
        ],
        "insights": [
            insight(
                "retries",
                message=CANARY,
                payload=json.dumps({"example": CANARY, "program": f"git {CANARY}"}),
            ),
        ],
    }


def test_nothing_that_was_written_is_told() -> None:
    (text,) = digest_texts(sessions(written()))

    assert CANARY not in text


def test_with_prompts_what_was_written_is_told() -> None:
    told = digest(written(), prompts=True)

    assert [
        cells(told["turns"])[0]["prompt"],
        cells(told["errors"])[0]["example"],
        cells(told["errors"])[0]["resolved_by"],
        cells(told["findings"])[0]["message"],
    ] == [f"Mend {CANARY}", CANARY, CANARY, CANARY]


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        (f"See /{FOLDER}/ada/calc.py", "See ~/calc.py"),
        ("See /Users/ada/calc.py", "See ~/calc.py"),
        (r"See C:\Users\ada\calc.py", r"See ~\calc.py"),
        ("Ask ada.l@example.com about it", "Ask <email> about it"),
        ("a" * 400, "a" * 300),
    ],
)
def test_prompts_are_told_without_homes_mail_and_their_ends(prompt: str, told: str) -> None:
    rows = {"sessions": [session()], "turns": [turn(1, prompt=prompt)]}

    (row,) = cells(digest(rows, prompts=True)["turns"])

    assert row["prompt"] == told


def test_any_text_makes_json() -> None:
    odd = 'a "b" \\ \n\t\x00\x1f ü 😀 </x>'

    (row,) = cells(
        digest({"sessions": [session()], "turns": [turn(1, prompt=odd)]}, prompts=True)["turns"]
    )

    assert row["prompt"] == 'a "b" \\ \n\t   ü 😀 </x>'


def test_it_is_the_same_tomorrow() -> None:
    active = {**usual(), "turns": [turn(1), turn(2, status="active")]}
    stalled = {
        **active,
        "turns": [turn(1), turn(2, status="stalled")],
        "sessions": [session(status="ended", ended_at=at(700), last_seen_at=at(700), events=99)],
    }

    texts = [
        digest_texts(sessions(rows, as_of=as_of)) for rows, as_of in ((active, 60), (stalled, 900))
    ]

    assert texts[0] == texts[1]


def test_it_is_the_same_in_company() -> None:
    company = {name: [*rows, *usual("t")[name]] for name, rows in usual().items()}

    alone, both = digest_texts(sessions(usual())), digest_texts(sessions(company))

    assert alone == both[:1]


def test_a_table_that_nobody_made_is_null() -> None:
    told = digest(usual(), unmade={"insights": ["s"]})

    assert told["findings"] is None


def test_of_many_turns_the_most_telling_are_told_in_their_order() -> None:
    turns = [turn(number, errors=number % 50, cost_usd=0.1) for number in range(1, 201)]

    told = digest({"sessions": [session()], "turns": turns})["turns"]

    numbers = [each["number"] for each in cells(told)]
    assert (len(numbers), told["left_out"]) == (64, 136)
    assert numbers == sorted(numbers)
    assert {49, 99, 149, 199} <= set(numbers)


def long() -> dict[str, list[dict[str, object]]]:
    """Give a session in which every text is long, in characters of four bytes."""
    text = "\N{GRINNING FACE}" * 500
    errors = dict.fromkeys(
        ("category", "source", "example", "resolved_by", "command", "tool_name"), text
    )
    found = dict.fromkeys(("severity", "category", "message", "payload"), text)
    return {
        "sessions": [session(models=[text] * 5, agent=text, started_by=text)],
        "turns": [turn(number, prompt=text, status=text) for number in range(1, 100)],
        "api_calls": [call(f"{number}{text}") for number in range(30)],
        "tool_calls": [tool(f"{number}{text}") for number in range(30)],
        "error_clusters": [cluster(f"{number}{text}", **errors) for number in range(30)],
        "insights": [insight(f"{number}{text}", **found) for number in range(30)],
    }


@pytest.mark.parametrize("max_bytes", [16 * KIB, 24 * KIB, 200 * KIB])
def test_it_is_no_longer_than_it_may_be(max_bytes: int) -> None:
    (text,) = digest_texts(sessions(long()), max_bytes, prompts=True)

    assert max_bytes / 3 < len(text.encode()) <= max_bytes


def test_a_short_one_is_not_cut_because_another_is_long() -> None:
    rows = {**long(), "turns": [turn(1), turn(2, "short"), turn(3, "short")]}
    rows["sessions"] = [*rows["sessions"], session("short")]

    _, short = digest_texts(sessions(rows, ids=["s", "short"]), 16 * KIB)

    assert len(json.loads(short)["turns"]["rows"]) == 2
