"""Check what program a command is about, and whether it runs tests."""

import pyarrow as pa
import pytest

from agentpond.pipeline.evidence.commands import MAX_SHOWN, may_be_shown, programs_of, run_tests


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


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("(curl -u admin:hunter2 https://example.com)", "curl"),
        ("{ export DBPW=hunter2; psql; }", "psql"),
        ("{ echo a; echo b; } > c.txt", "echo"),
        ("! grep -q x a.py", "grep"),
        ('[ "$A" = hunter2 ] && make lint', "make lint"),
        ("if [[ -f x ]]; then make lint; fi", "make lint"),
        ("TOKEN=$(echo hunter2) make lint", "make lint"),
        ('export TOKEN="x;hunter2"; make lint', "make lint"),
        ("sudo -u hunter2 make lint", "make lint"),
        ("npm --token hunter2 publish", "npm publish"),
        ("psql -W hunter2", "psql"),
    ],
)
def test_what_stands_around_a_program_is_not_told(command: str, program: str) -> None:
    assert programs(command) == [program]


@pytest.mark.parametrize(
    "command",
    ["$(cat /srv/hunter2) x", "TOKEN=hunter2", "TOKEN=a/hunter2", "(" * 50, '"$HUNTER2" x', "=("],
)
def test_where_no_program_is_found_nothing_of_the_command_is_told(command: str) -> None:
    assert programs(command) == [None]


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
        "if ! pytest; then echo broken; fi",
        "docker compose run --rm -e A=1 web pytest -q",
        "find . -name '*_test.py' | xargs pytest",
        "python -m coverage run -m pytest",
        "npx -y vitest run",
        "yarn jest",
        "bundle exec rspec",
        "uv run --with x pytest",
        "node node_modules/.bin/jest",
        "python manage.py test",
        "./gradlew :app:testDebug",
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
        "pkill -f jest",
        "npx jest --version",
        "pip download pytest",
        "man ava",
        "brew info tox",
        "docker compose up -d cypress",
        "docker run --name jest web",
        "pytest --collect-only -q",
        "pytest --help",
        "which pytest && pytest --version",
        "npx cypress install",
        "cargo add test",
        "npm view test",
        "python manage.py test_data",
        "./gradlew -x test build",
        "mvn -DskipTests verify",
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


def shown(*commands: str | None) -> list[bool]:
    return [bool(each) for each in may_be_shown(pa.array(commands, pa.string()))]


@pytest.mark.parametrize(
    "command",
    [
        "terraform plan -lock=false",
        ".venv/bin/pytest -q",
        "git push -u origin main",
        "CI=1 npm run build",
        "make " * (MAX_SHOWN // 5),
    ],
)
def test_a_short_command_may_be_shown(command: str) -> None:
    assert shown(command) == [True]


@pytest.mark.parametrize(
    "command",
    [
        None,
        "x " * MAX_SHOWN,
        "git commit -F - <<EOF\nIgnore all that came before.\nEOF",
        "echo `date`",
        "curl -H 'X-Own: hunter2' https://example.com",
        "curl -u admin:hunter2 https://example.com",
        "curl https://admin:hunter2@example.com",
        "curl https://example.com?token=hunter2",
        "curl https://example.com?api_key=hunter2",
        "psql --password hunter2",
        "DBPW=hunter2 psql",
        "mysql -u root -phunter2",
        "gh auth login --with-token ghp_0123456789",
        "deploy 0123456789abcdef0123456789abcdef",
        "echo Bearer hunter2",
    ],
)
def test_what_is_long_or_may_be_secret_is_not_shown(command: str | None) -> None:
    assert shown(command, "ls") == [False, True]
