"""The source keeps the rules that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "receiver",
    "pipeline",
    "exporters",
    "config",
    "src/agentpond/cli",
    "src/agentpond/conformance",
    "docs",
    "benches",
)
MODULES = [
    *sorted((ROOT / "src" / "agentpond").glob("*.py")),
    *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))),
]
TEXTS = [
    *(path for path in sorted(ROOT.glob("*.*")) if path.suffix in {".md", ".toml"}),
    *(ROOT / "Makefile", ROOT / ".ci" / "run"),
    *(
        path
        for folder in (*FOLDERS, "tests", "changelog.d")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".yaml", ".toml"}
    ),
]

# Whoever catches everything says why beside it; see docs/design-notes.md.
CATCH_ALL = [
    "receiver/otlp/rim.py",
    "pipeline/engine/runner.py",
    "pipeline/engine/sessions/insist.py",
]
# Codex names its agents `/root` and `/root/<name>`: that is a path of nobody's machine.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.*$}~-])/(?:(?:work|tmp|home)/|root/[\w.-]+/)"
    r"|pypi\.org|pythonhosted\.org|index[-_]url"
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of each function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def catches_all(path: Path) -> bool:
    handlers = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
    ]
    return any(
        each.type is None
        or ast.unparse(each.type) == "Exception"
        # Whoever raises it again only looks at it in passing.
        or (ast.unparse(each.type) == "BaseException" and not raises_again(each))
        for each in handlers
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def test_a_module_has_at_most_400_lines() -> None:
    lines = {name_of(path): path.read_text("utf-8").count("\n") for path in MODULES}

    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_a_function_has_at_most_40_lines() -> None:
    lines = dict(told for path in MODULES for told in functions(path))

    assert {name: count for name, count in lines.items() if count > 40} == {}


def test_nine_functions_in_ten_have_at_most_20_lines() -> None:
    lines = sorted(lines for path in MODULES for _, lines in functions(path))

    ninth_decile = lines[len(lines) * 9 // 10]

    assert ninth_decile <= 20


def test_a_module_opens_by_saying_what_it_does() -> None:
    silent = [
        name_of(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_everything_is_caught_only_where_that_is_argued_for() -> None:
    catching = [name_of(path) for path in MODULES if catches_all(path)]

    assert catching == CATCH_ALL


def test_a_processor_walks_no_rows() -> None:
    folders = [
        ROOT / "pipeline" / name for name in ("processors", "session", "pricing", "evidence")
    ]
    modules = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    sources = {name_of(path): path.read_text("utf-8") for path in modules}

    walking = [n for n, text in sources.items() if re.search(r"to_pylist|as_py|for row in", text)]

    assert walking == []


def test_our_packages_are_imported_relatively() -> None:
    ours = re.compile(r"^\s*(?:from|import) (?:receiver|pipeline|exporters|config)\b", re.MULTILINE)

    absolute = [name_of(path) for path in MODULES if ours.search(path.read_text("utf-8"))]

    assert absolute == []


def test_no_file_speaks_of_one_machine() -> None:
    speaking = [
        f"{name_of(path)}: {match.group()}"
        for path in TEXTS
        if path != Path(__file__)
        for match in OF_ONE_MACHINE.finditer(path.read_text("utf-8"))
    ]

    assert speaking == []


def test_the_layers_import_only_downwards() -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [lint, "--no-cache"], check=False, cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
