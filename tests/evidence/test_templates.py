"""A template keeps what errors of a kind have in common; a fingerprint names it."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.evidence.messages import lines_of
from agentpond.pipeline.evidence.templates import (
    MAX_LENGTH,
    fingerprints_of,
    says_nothing,
    templates_of,
)

from .generated import agreement, generated, wrapped

HOME = "/" + "home/ada"
UUID = "1bf3d814-b50f-3ad5-b062-be3e75acca2d"
PIECES = (
    *("<path>", "<n>", "<text>", "'", '"', "`", "(", ")", "[", "]", ":", " ", "/", "\\", ".", "-"),
    *("_", "@", "#", "=", "1", "12", "3.5", "ms", "MB", "%", "error", "E0308", "http", "404", "a"),
    *(
        "Foo",
        "foo_bar",
        "fooBar",
        "x.py",
        "\n",
        "\t",
        "é",
        "\u2019",
        "\u201c",
        "<",
        ">",
        "No module named",
    ),
    *(
        "\u00fc.py",
        "gr\u00f6\u00dfe_x",
        "\u8a2d\u5b9a",
        "\u201e",
        "\u300c",
        "\u300d",
        "\u00c4",
        "u\u0308",
        "7",
    ),
    *("is not found", "0x1f", "deadbeef", "2024-01-02", "host.com", "user", "\x01", "\x02", "~"),
)


def template_of(line: str | None) -> object:
    return templates_of(pa.array([line], pa.string())).to_pylist()[0]


def fingerprint_of(line: str) -> object:
    return fingerprints_of(templates_of(pa.array([line], pa.string()))).to_pylist()[0]


@pytest.mark.parametrize(
    ("line", "template"),
    [
        (f"cat: {HOME}/x.py: Permission denied", "cat: <path>: Permission denied"),
        ("src/a.py:14:2: bad", "<path>: bad"),
        ("a.ts(12,5): bad", "<path>: bad"),
        ('File "x y.py", line 14', "File <path>"),
        (r"open C:\Program Files\Acme\x.txt failed", "open <path> failed"),
        ("open ~/x/y and ../z/w failed", "open <path> failed"),
        ("tests/a.py::TestX::test_y[1-a] broke", "<path> broke"),
        ("got https://a.example.com/x?y=1, sorry", "got <url>, sorry"),
        ("mail to ada+ci@example.com bounced", "mail to <email> bounced"),
        ("dial 10.0.0.1:80 or localhost:3000", "dial <host>"),
        ("peer fe80::1:2f is down", "peer <host> is down"),
        (f"request {UUID} failed", "request <id> failed"),
        ("request req_01AbCdEfGh failed", "request <id> failed"),
        ("request req_AbCdEfGhIj failed", "request <id> failed"),
        ("job i-0abc12, TICKET-123, job#91", "job <id>"),
        ("at 0x7ffee, sha deadbeef and a1b2c3d", "at <id>, sha <id>"),
        ("at 2026-11-28T16:49:12.123Z, 28/Nov/2026:16:49:12 +0000", "at <time>"),
        ("took 1.2s or 350ms or 3 minutes", "took <time>"),
        ("used 12.5 MB, 30%, -1, 1.5e-10, 1,234", "used <n>"),
        (
            "not 'this' nor \"that\" nor `those` nor \u2018these\u2019",
            "not <text> nor <text> nor <text> nor <text>",
        ),
        ("Datei \u201eB\u00e4r.txt\u201c fehlt", "Datei <text> fehlt"),
        ("in \u201ades Hauses\u2018 und \u00abici\u00bb", "in <text> und <text>"),
        (
            "\u30d5\u30a1\u30a4\u30eb\u300c\u8a2d\u5b9a.txt\u300d\u304c",
            "\u30d5\u30a1\u30a4\u30eb<text>\u304c",
        ),
        ("open m\u00fcller.py or \u00dcn\u00efcode.py", "open <path>"),
        ("open gru\u0308n.py failed", "open <path> failed"),
        ("open \u8a2d\u5b9a/\u5c65\u6b74.json failed", "open <path> failed"),
        ("mail to j\u00f6rg@example.com bounced", "mail to <email> bounced"),
        ("job \u00c4rger-12, gr\u00f6\u00dfe7", "job <id>"),
        ("\u63a5\u7d9a\u30a8\u30e9\u30fc111\u304c", "\u63a5\u7d9a\u30a8\u30e9\u30fc<n>\u304c"),
        (
            "write_stdin failed: Unknown process id 424242",
            "write_stdin failed: Unknown process id <id>",
        ),
        ("bad at line 1 column 2", "bad at line <n> column <n>"),
        ("can't open 'it's'", "can't open <text>"),
        ("foo.bar.BazError: boom", "BazError: boom"),
        ("lists [1, 2, 3] and ['a', 'b']", "lists [<n>] and [<text>]"),
    ],
)
def test_what_differs_is_masked(line: str, template: str) -> None:
    found = template_of(line)

    assert found == template


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("No module named foo", "No module named <text>"),
        ("bash: line 1: foo: command not found", "bash: line <n>: <text>: command not found"),
        ("zsh: command not found: foo", "zsh: command not found: <text>"),
        ("./main.go:12:2: undefined: foo", "<path>: undefined: <text>"),
        ("unsupported call: no_such_tool", "unsupported call: <text>"),
        ("Unknown skill: foo", "Unknown skill: <text>"),
        ("ticket not found: NOPE-0", "ticket not found: <id>"),
        ("table users does not exist", "table <text> does not exist"),
        ("table b\u00fccher does not exist", "table <text> does not exist"),
        ("no gr\u00f6\u00dfe_men\u00fc here", "no <text> here"),
        ("x, posix_spawn '/a'", "x, posix_spawn <text>"),
    ],
)
def test_bare_words_in_known_shapes_are_masked(line: str, template: str) -> None:
    found = template_of(line)

    assert found == template


@pytest.mark.parametrize(
    "line",
    [
        *("http 500", "Overloaded", "too_few_groups", "status 404", "error E0308 and error TS2339"),
        "approval policy is Never; reject command \u2014 you cannot ask for escalated permissions",
        "TS2339: Property is not there",
        *("SIGKILL", "ECONNREFUSED", "i/o timeout", "tool_use ids were found", ""),
    ],
)
def test_what_tells_errors_apart_stays(line: str) -> None:
    found = template_of(line)

    assert found == line


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http 429", "http 500"),
        ("HTTP/1.1 502 Bad Gateway", "HTTP/1.1 504 Bad Gateway"),
        ("a.ts(1,2): error TS2339: 'x'", "a.ts(1,2): error TS2304: 'x'"),
        ("a.py:1:2: F401 'os' unused", "a.py:1:2: F811 'os' unused"),
        ("open x.py: ENOENT", "open x.py: EACCES"),
        ("died with SIGKILL in 3s", "died with SIGSEGV in 3s"),
        ("ValueError: bad 1", "TypeError: bad 1"),
        ("cat: x.py: No such file", "rm: x.py: No such file"),
        ("limit of 3 tokens per minute", "limit of 3 requests per minute"),
        ("bash: a: command not found", "bash: a: Permission denied"),
    ],
)
def test_different_errors_have_different_fingerprints(one: str, other: str) -> None:
    fingerprints = {fingerprint_of(one), fingerprint_of(other)}

    assert len(fingerprints) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"job {UUID} failed", "job 4821 failed"),
        ("1 test failed", "12 tests failed"),
        ("open 'a b.py'", "open src/a.py"),
        ("missing 1 argument: 'a'", "missing 2 arguments: 'a' and 'b'"),
        ("exit 'a'\tnow", "exit  'b' now"),
    ],
)
def test_alike_errors_have_one_fingerprint(one: str, other: str) -> None:
    fingerprints = {fingerprint_of(one), fingerprint_of(other)}

    assert len(fingerprints) == 1


def test_null_stays_null() -> None:
    templates = templates_of(pa.array([None, "a", None], pa.string()))

    assert fingerprints_of(templates).is_null().to_pylist() == [True, False, True]


def test_a_fingerprint_is_the_same_on_any_machine() -> None:
    found = fingerprint_of("open 'a' failed")

    assert found == "f761150386fe3468"


def test_a_template_is_bounded() -> None:
    found = str(template_of("word is 'x' but " * 100))

    assert len(found) <= MAX_LENGTH


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60))
def test_a_template_of_a_template_is_itself(line: str) -> None:
    template = template_of(line)

    assert template_of(str(template)) == template


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), max_size=6))
def test_a_template_does_not_depend_on_the_lines_beside_it(lines: list[str]) -> None:
    together = templates_of(pa.array(lines, pa.string())).to_pylist()

    assert together == [template_of(line) for line in lines]


@pytest.mark.parametrize(
    "line",
    [
        *(None, "", "Shell command failed", "Command failed", "Exit code 1", "Error", "failed"),
        *("unknown error", "Process exited with code 1", "command failed with exit code 127"),
    ],
)
def test_a_line_without_a_reason_says_nothing(line: str | None) -> None:
    silent = says_nothing(pa.array([line], pa.string())).to_pylist()

    assert silent == [True]


@pytest.mark.parametrize("line", ["Overloaded", "http 500", "command not found", "request too big"])
def test_a_line_with_a_reason_says_something(line: str) -> None:
    silent = says_nothing(pa.array([line], pa.string())).to_pylist()

    assert silent == [False]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_are_the_true_ones(seed: int) -> None:
    errors = generated(20_000, 200, seed)

    lines = lines_of(pa.array(wrapped(errors.messages), pa.string()))
    named = fingerprints_of(templates_of(lines)).to_pylist()

    found = agreement(errors.truth, tuple(named))
    assert (found.precision >= 0.98, found.recall >= 0.98) == (True, True)
    assert sum(not message.isascii() for message in errors.messages) > 500
