"""Check which files texts, patches and uses of tools name, and when two names are of one file."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from agentpond.pipeline.evidence.files import (
    Files,
    files_in,
    folders_of,
    given_to,
    named_by,
    patched_in,
    together,
    worked_on,
)
from agentpond.pipeline.evidence.paths import endings_of, paths_of

from .happened import failed, told, used, uses


def texts(*values: str | None) -> pa.StringArray:
    return pa.array(values, pa.string())


def named(files: Files) -> list[tuple[int, Any]]:
    return list(zip(files.row.tolist(), files.name.to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ('  File "src/calc.py", line 3, in add', "src/calc.py"),
        ("src/a.ts(12,5): error TS2304", "src/a.ts"),
        ("./main.go:12:2: undefined: x", "./main.go"),
        ("FAILED tests/test_x.py::test_y - assert 1 == 2", "tests/test_x.py"),
        ("FAILED tests/test_x.py::test_y[src/other.py]", "tests/test_x.py"),
        ("cat: /no/such/file: No such file or directory", "/no/such/file"),
        ("unable to locate image at `/no/such/image.png`: No such file", "/no/such/image.png"),
        ("touch: cannot touch 'src/new.py': Read-only file system", "src/new.py"),
        ("    at Object.<anonymous> (/srv/app/x.js:3:5)", "/srv/app/x.js"),
        ("    at file:///srv/app/x.mjs:3:5", "file:///srv/app/x.mjs"),
        ("  at com.example.Foo.bar(Foo.java:12)", "Foo.java"),
        (r"   in C:\code\src\Foo.cs:line 12", r"C:\code\src\Foo.cs"),
        ("  --> src/main.rs:3:5", "src/main.rs"),
        ("Makefile:3: *** missing separator.  Stop.", "Makefile"),
        ("error in app/(shop)/[id]/page.tsx:7", "app/(shop)/[id]/page.tsx"),
        ("\x1b[31msrc/x.py\x1b[0m failed", "src/x.py"),
        ("Die Datei \u201esrc/größe.py\u201c fehlt.", "src/größe.py"),
        ("see [the page](docs/page.md#part)", "docs/page.md"),
        ("Read ~/notes.txt, please.", "~/notes.txt"),
        ("sed -i s/a/b/ --file=src/x.sed", "src/x.sed"),
        ("bin/run: permission denied", "bin/run"),
    ],
)
def test_a_file_in_a_text_is_found_without_what_stands_around_it(text: str, file: str) -> None:
    found = files_in(texts(text))

    assert (0, file) in named(found)


@pytest.mark.parametrize(
    "text",
    [
        "Shell command failed",
        "see https://example.org/docs/page.html for more",
        "Node.js v20.11.0",
        "self.db has no console.log and no calc.add in 3.11",
        "3/4 of 10/12 failed",
        "ls src/*.py $HOME ${X}/y.py",
        "-rf",
        "",
    ],
)
def test_what_is_no_file_is_not_taken_for_one(text: str) -> None:
    assert named(files_in(texts(text))) == []


def test_what_may_be_something_else_is_left_out_where_it_must_be_sure() -> None:
    text = texts("Read and/or write the I/O of src/calc.py or @lib/run.sh or ./bin/run")

    assert named(files_in(text, sure=True)) == [
        (0, "src/calc.py"),
        (0, "lib/run.sh"),
        (0, "./bin/run"),
    ]


def test_each_row_gets_the_files_of_its_own_text() -> None:
    text = texts("a.py", None, "b.py and c.py", "a.py")

    assert sorted(named(files_in(text))) == [(0, "a.py"), (2, "b.py"), (2, "c.py"), (3, "a.py")]


def test_only_the_first_4000_characters_are_read() -> None:
    text = texts("x" * 3994 + " a.py b.py")

    assert named(files_in(text)) == [(0, "a.py")]


def test_only_the_first_50_files_of_a_text_are_read() -> None:
    text = texts(" ".join(f"{number}.py" for number in range(60)), "a.py")

    found = named(files_in(text))

    assert (len(found), found[49:]) == (51, [(0, "49.py"), (1, "a.py")])


@pytest.mark.parametrize(
    "said",
    [
        "git commit -m 'update README.md'",
        'git commit -am "update README.md"',
        'git commit -m "$(cat <<\'EOF\'\nupdate "README.md", too\nEOF\n)"',
        "gh pr create --title \"Mend README.md\" --body='see docs/a.md'",
        'bash -lc "git commit -m \\"update README.md\\""',
        "bash -lc 'git commit -m \"update README.md\"'",
        "echo -e 'README.md' \"docs/a.md\"",
        'printf "README.md"',
    ],
)
def test_what_a_command_says_is_not_what_it_works_on(said: str) -> None:
    commands = texts(said, f"{said} && cat src/a.py")

    assert named(worked_on(commands)) == [(1, "src/a.py")]


@pytest.mark.parametrize(
    ("command", "folder", "path"),
    [
        ("cd /srv/b && tsc src/x.ts", "/srv/b", "/srv/b/src/x.ts"),
        ("(cd '/srv/my b'; tsc src/x.ts)", "/srv/my b", "/srv/my b/src/x.ts"),
        ("bash -lc 'cd /srv/b && tsc src/x.ts'", "/srv/b", "/srv/b/src/x.ts"),
        ("cd web\ntsc src/x.ts", "web", "web/src/x.ts"),
        ("cd /srv/b && tsc ../src/x.ts", "/srv/b", "/srv/src/x.ts"),
        ("cd /srv/b && tsc /opt/src/x.ts", "/srv/b", "/opt/src/x.ts"),
        ("cd /srv/b && tsc ~/src/x.ts", "/srv/b", "src/x.ts"),
        ("cd /srv/b && cd c && tsc src/x.ts", None, "src/x.ts"),
        ("cd $X && tsc src/x.ts", None, "src/x.ts"),
        ("cd .. && tsc src/x.ts", None, "src/x.ts"),
        ("cd - && tsc src/x.ts", None, "src/x.ts"),
        ("tsc src/x.ts", None, "src/x.ts"),
    ],
)
def test_files_of_a_command_are_in_the_folder_it_goes_to(
    command: str, folder: str | None, path: str
) -> None:
    commands = texts(command)

    assert folders_of(commands).to_pylist() == [folder]
    assert path in worked_on(commands).path.to_pylist()


def test_no_commands_go_nowhere() -> None:
    assert folders_of(texts(None)).to_pylist() == [None]


def test_a_patch_names_all_that_it_changes_and_where_it_moves_that_to() -> None:
    patch = texts(
        "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: src/b.py\n@@\n-x\n"
        "*** Add File: my notes.md\n+y\n*** Delete File: old.py\n*** End Patch"
    )

    names = [name for _, name in named(patched_in(patch))]

    assert names == ["src/a.py", "src/b.py", "my notes.md", "old.py"]


def test_a_patch_within_json_names_its_files_too() -> None:
    patch = texts('{"input":"*** Begin Patch\\n*** Update File: src/a.py\\n@@\\n*** End Patch"}')

    assert named(patched_in(patch)) == [(0, "src/a.py")]


@pytest.mark.parametrize(
    "tool_input",
    [
        '{"file_path":"src/a.py","content":"b.py"}',
        '{"notebook_path":"src/a.py"}',
        '{"path":"src/a.py"}',
        '{"filePath":"src/a.py"}',
        '{"absolute_path":"src/a.py"}',
        '{"target_file":"src/a.py"}',
        "*** Begin Patch\n*** Update File: src/a.py\n*** End Patch",
    ],
)
def test_a_tool_is_given_the_file_of_its_input(tool_input: str) -> None:
    given = uses(told(used(1, "Edit", tool_input)))

    assert named(given_to(given)) == [(0, "src/a.py")]


def test_a_patch_that_a_shell_applies_is_given_its_files() -> None:
    patch = "apply_patch <<'E'\\n*** Begin Patch\\n*** Update File: src/a.py\\n*** End Patch\\nE"
    given = uses(told(failed(1, "shell", f'{{"command":"{patch}"}}', "no")))

    assert named(given_to(given)) == [(0, "src/a.py")]


def test_parameters_of_a_tool_name_its_file() -> None:
    parameters = texts('{"file_path":"src/a.py"}', None, '{"full_command":"cat src/b.py"}')

    assert named(named_by(parameters)) == [(0, "src/a.py")]


def test_of_two_names_of_one_file_the_longer_one_stays() -> None:
    files = together((files_in(texts("calc.py src/calc.py xcalc.py lib/calc.py calc.py")),))

    assert named(files) == [(0, "src/calc.py"), (0, "xcalc.py"), (0, "lib/calc.py")]


def test_files_go_to_the_rows_that_own_them() -> None:
    files = files_in(texts("a.py", "b.py", "c.py"))

    moved = files.owned(np.array([7, -1, 5]))

    assert named(moved) == [(7, "a.py"), (5, "c.py")]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./src/calc.py", "src/calc.py"),
        ("../../src/calc.py", "src/calc.py"),
        ("~/src/calc.py", "src/calc.py"),
        ("$HOME/src/calc.py", "src/calc.py"),
        ("src//calc.py", "src/calc.py"),
        ("src/./calc.py", "src/calc.py"),
        ("src/a/b/../../calc.py", "src/calc.py"),
        (".git/x/../config", ".git/config"),
        ("/srv/a/../calc.py", "/srv/calc.py"),
        ("src/calc/", "src/calc"),
        (r"src\calc.py", "src/calc.py"),
        (r"C:\code\calc.py", "/code/calc.py"),
        ("c:/code/calc.py", "/code/calc.py"),
        ("file:///srv/calc.py", "/srv/calc.py"),
        ("file:///C:/code/calc.py", "/code/calc.py"),
        (" calc.py ", "calc.py"),
        ("./", None),
        ("", None),
        (None, None),
    ],
)
def test_a_path_has_one_form(name: str | None, path: str | None) -> None:
    assert paths_of(texts(name)).to_pylist() == [path]


def test_a_path_ends_in_all_that_stands_behind_its_slashes() -> None:
    place, text = endings_of(texts("/srv/app/calc.py", "calc.py", "src/calc.py"))

    assert sorted(zip(place.tolist(), text.to_pylist(), strict=True)) == [
        (0, "app/calc.py"),
        (0, "calc.py"),
        (0, "srv/app/calc.py"),
        (2, "calc.py"),
    ]


@pytest.mark.parametrize(
    ("path", "endings"),
    [
        ("/a/node_modules/x/y.js", ["a/node_modules/x/y.js", "node_modules/x/y.js"]),
        ("site-packages/x/y.py", []),
        ("lib/python3.11/case.py", []),
        ("vendors/y.go", ["y.go"]),
    ],
)
def test_a_path_of_what_others_wrote_ends_in_nothing_that_does_not_say_so(
    path: str, endings: list[str]
) -> None:
    _, text = endings_of(texts(path))

    assert text.to_pylist() == endings
