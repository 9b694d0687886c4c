"""Check what program a command is about, and whether it runs tests."""

import pyarrow as pa
import pytest

from agentpond.pipeline.evidence.commands import programs_of, run_tests


def programs(*commands: str | None) -> list[str | None]:
    named: list[str | None] = programs_of(pa.array(commands, pa.string())).to_pylist()
    return named


def judged(*commands: str | None) -> list[bool]:
    return [bool(each) for each in run_tests(pa.array(commands, pa.string()))]


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("ls -l", "ls"),
        ("/usr/bin/cat notes.md", "cat"),
        ("  cat notes.md  ", "cat"),
        ("cd app && python3 -m unittest -v", "python3 -m unittest"),
        ("./.venv/bin/python -m pytest", "python -m pytest"),
        ("python -c 'print(1)'", "python"),
        ("git -C app status --short", "git status"),
        ("npm run build", "npm run build"),
        ("npm --silent run build", "npm run build"),
        ("uv run pytest -q", "uv run pytest"),
        ("cargo test --all", "cargo test"),
        ("sudo apt-get install jq", "apt-get install"),
        ("timeout 60 make test", "make test"),
        ("DEBUG=1 LEVEL='a b' node server.js", "node server.js"),
        ("# look at it first\ngit diff", "git diff"),
        ("export A=1; source .venv/bin/activate && tox -e py", "tox py"),
        ("bash -lc 'cd app && git diff'", "git diff"),
        ('/bin/zsh -c "make test"', "make test"),
        ("bash -lc 'set -e\ngit fetch\ngit diff'", "git fetch"),
        ("bash run.sh", "bash"),
        ("grep x a.py | wc -l", "grep"),
    ],
)
def test_a_command_is_about_a_program(command: str, program: str) -> None:
    assert programs(command) == [program]


def test_a_command_that_is_not_told_is_about_nothing() -> None:
    assert programs(None, "ls", None, "") == [None, "ls", None, None]


def test_commands_of_which_none_is_told_are_about_nothing() -> None:
    assert (programs(None, None), judged(None, None)) == ([None, None], [False, False])


def test_of_no_commands_there_are_no_programs() -> None:
    assert (programs(), judged()) == ([], [])


def test_what_is_no_word_stands_as_it_is() -> None:
    assert programs("{ echo a; echo b; } > c.txt") == ["{ echo a; echo b; } > c.txt"]


def test_what_is_no_word_is_cut_short() -> None:
    assert programs("(" * 50) == ["(" * 40]


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "pytest -q tests/test_calc.py",
        ".venv/bin/pytest tests",
        '"$VENV/bin/pytest" tests',
        "python -m pytest",
        "python3 -m unittest discover -s tests",
        "cd app && npm test",
        "npm run test:unit",
        "npm t",
        "yarn workspace web test",
        "pnpm --filter web run test",
        "npx jest --watch=false",
        "cargo test add",
        "cargo +nightly test",
        "go test ./...",
        "make test",
        "make -j4 check",
        "./gradlew clean build test",
        "mvn -q verify",
        "uv run pytest",
        "timeout 60 pytest",
        "CI=1 pytest",
        "pytest 2>&1 | tail -20",
        "(pytest)",
        "git stash; pytest; git stash pop",
        "pip install -e . && pytest",
        "bash -lc 'cd app && pytest -q'",
        "bash -lc 'set -e\nmake\npytest'",
        'docker compose exec web sh -c "cd /app && pytest"',
        "cat <<'EOF' > test_a.py\nimport a\nEOF\npytest test_a.py",
        "cat <<'EOF' > test_a.py && pytest\nimport a\nEOF",
        "# don't forget\npytest -k 'a or b'",
    ],
)
def test_commands_that_run_tests_are_known(command: str) -> None:
    assert judged(command) == [True]


@pytest.mark.parametrize(
    "command",
    [
        "ls tests",
        "cat tests/test_calc.py",
        "python calc.py",
        "pip install pytest",
        "python -m pip install -q pytest",
        "uv pip install pytest tox",
        "npm install --save-dev jest",
        "npm i jest",
        "yarn workspace web add jest",
        "npm -w web install jest",
        "sudo apt-get install bats",
        "grep -rn pytest .",
        "which pytest",
        "git commit -m 'Make pytest pass'",
        "git add -A && git commit -m 'One; then pytest again'",
        "git commit -m \"$(cat <<'EOF'\nMend the sum\n\nRun pytest again.\nEOF\n)\"",
        'git commit -m "Mend the sum\n\nRun pytest now."',
        "cat > notes.md <<'EOF'\nRun\npytest\nEOF",
        "python - <<'PY'\nimport pytest\nPY",
        "echo pytest is there",
        "ls # then pytest",
        "# pytest\nls",
        "ls; cd /opt/pytest",
        "vim pytest.ini",
        "npm run lint",
        "make",
        "",
    ],
)
def test_commands_that_run_no_tests_are_known(command: str) -> None:
    assert judged(command) == [False]


def test_each_command_is_judged_by_itself() -> None:
    assert judged("pytest", None, "ls", "pytest", "ls && pytest") == [
        True,
        False,
        False,
        True,
        True,
    ]
