"""Tell of shell commands which program they are about, and which of them run tests."""

import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Groups, Mask, mask_of
from ..session.texts import captured

# `bash -lc '...'`: how Codex before 0.50 and others hand a command over.
_SHELL = (
    r"(?s)^(?:\S*/)?(?:ba|z|da|k)?sh\s+-[a-z]*c\s+"
    r"(?:'(?P<told>.*)'|\"(?P<other>.*)\"|(?P<bare>.*))$"
)

# What stands before the program that matters.
_BEFORE = (
    r"^(?:\s+|#[^\n]*\n"
    r"|(?:cd|pushd|source|\.|export|unset|set|ulimit|alias)\b[^;&|\n]*(?:&&|;|\n)"
    r"|(?:sudo|time|nohup|exec|command|env|nice|stdbuf|xvfb-run)(?:\s+-\S+)*\s"
    r"|timeout(?:\s+-\S+)*\s+\S+\s"
    r"|[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\";&|]*)(?:\s|;|&&))+"
)

_PYTHON = r"^(?:\S*/)?(?P<program>python[0-9.]*|py)(?:\s+-[^m\s]\S*)*\s+-m\s+(?P<module>[\w.]+)"
_RUNNERS = r"^(?:\S*/)?(?P<program>npm|pnpm|yarn|bun|uv|poetry|pdm|hatch|pipenv|docker|rye|nix)"
_RUNS = (
    _RUNNERS + r"(?:\s+-\S+)*\s+(?P<sub>run|exec|compose|tool)(?:\s+-\S+)*\s+(?P<word>[\w:./@-]+)"
)
_SUBCOMMANDS = (
    r"^(?:\S*/)?(?P<program>git|gh|npm|npx|pnpm|yarn|bun|bunx|deno|pip3?|pipx|uvx?|poetry|pdm|conda|cargo"
    r"|rustup|go|docker|podman|kubectl|helm|terraform|aws|gcloud|az|make|just|task|dotnet|mvn|\./mvnw|gradle"
    r"|gradlew|bundle|rake|gem|composer|php|systemctl|apt|apt-get|brew|nox|tox|hatch|rails|mix|swift|flutter"
    r"|ng|nx|turbo|vercel|sqlite3|psql|bazel|cmake|node)(?:\s+(?:-C\s+\S+|-\S+))*\s+(?P<word>[A-Za-z][\w:.-]*)"
)
_PROGRAM = r"^(?:\S*/)?(?P<told>[\w.+-]+)"

_TESTS = (
    r"(?:^|[\s;&|(/])(?:"
    r"pytest|py\.test|unittest|nosetests|nose2|tox|nox|ctest|jest|vitest|mocha|ava|karma|cypress|phpunit|pest"
    r"|rspec|minitest|bats|gotestsum|nextest|testthat"
    r"|playwright\s+test|cargo\s+(?:\S+\s+)?test|go\s+test|dotnet\s+test|swift\s+test|flutter\s+test|deno\s+test"
    r"|bun\s+test|node\s+--test|mix\s+test|zig\s+(?:build\s+)?test|bazel\s+test|rails\s+test|rake\s+test|manage\.py\s+test"
    r"|(?:npm|pnpm|yarn|bun)\s+(?:(?:workspace|-\S+)\s+\S+\s+|\S+\s+)??(?:run\s+)?(?:t|test\S*)"
    r"|(?:make|just|task)\s+(?:\S+\s+)??(?:test\S*|check)"
    r"|(?:\./)?(?:mvnw?|gradlew?)\s+(?:\S+\s+)*?(?:test|verify|check)|hatch\s+test|prove"
    r")(?:$|[\s;&|):])"
)
_NO_TESTS = (
    r"^\s*(?:\S*/)?(?:python[0-9.]*\s+-m\s+)?(?:pip3?|pipx|uv|npm|pnpm|yarn|bun|poetry|pdm|conda"
    r"|apt|apt-get|brew|cargo|go|gem)\s+(?:pip\s+|(?:workspace|-\S+)\s+\S+\s+|-\S+\s+)*"
    r"(?:install|uninstall|add|remove|i|get)\b"
    r"|^\s*(?:cat|grep|rg|ls|which|find|head|tail|sed|git|echo|printf|cd|mkdir|rm|cp|mv)\b"
)

# What is in a command and is none, with what to put in its place. A text in a here-document or
# between quotes may speak of tests: `git commit -m "Mend what pytest found"`.
_NOT_RUN = (
    (r"(?m)^\s*#[^\n]*", ""),
    # Its last line is taken for the first that is one word in capitals: RE2 looks back at nothing.
    (
        r"(?s)<<-?\s*['\"]?[A-Za-z_]\w*['\"]?([^\n]*)\n(?:.*?\n)??\s*[A-Z][A-Z_]*\s*(?:\n|\)|$)",
        "\\1\n",
    ),
    # But a script for a shell is run: `docker exec web sh -c "pytest -q"`.
    (
        r"(?s)\b(?:ba|z|da|k)?sh\s+-[a-z]*c\s+(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)')",
        r";\1\2;",
    ),
    (r"(?s)\"([^\"\s]*)\"|'([^'\s]*)'|\"(?:[^\"\\]|\\.)*\"|'[^']*'", r"\1\2"),
)

# One command after another; what a pipe leads to belongs to what it comes from.
_NEXT = r"&&|\|\||;|\n"

_NONE = pa.scalar(None, pa.string())


def programs_of(commands: pa.StringArray) -> pa.StringArray:
    """Name the program of each command, with its subcommand or module; NULL stays NULL.

    `cd app && python3 -m unittest -v` gives `python3 -m unittest`, `/usr/bin/cat x` gives `cat`.
    """
    distinct = commands.dictionary_encode()
    bare = _bare(distinct.dictionary)
    named = pc.coalesce(
        _joined(bare, _PYTHON, ("program", "module"), " -m "),
        _joined(bare, _RUNS, ("program", "sub", "word"), " "),
        _joined(bare, _SUBCOMMANDS, ("program", "word"), " "),
        captured(bare, _PROGRAM),
        pc.utf8_slice_codeunits(bare, 0, 40),
    )
    return pc.if_else(pc.equal(named, ""), _NONE, named).take(distinct.indices)


def run_tests(commands: pa.StringArray) -> Mask:
    """Mask the commands that run tests."""
    distinct = commands.dictionary_encode()
    run = _bare(distinct.dictionary)
    for pattern, replacement in _NOT_RUN:
        run = pc.replace_substring_regex(run, pattern, replacement)
    parts = pc.split_pattern_regex(run, _NEXT)
    whole = Groups(pc.list_parent_indices(parts).to_numpy(), len(parts))
    part = pc.list_flatten(parts)
    tests = pc.and_not(
        pc.match_substring_regex(part, _TESTS), pc.match_substring_regex(part, _NO_TESTS)
    )
    return mask_of(pa.array(whole.any(mask_of(tests))).take(distinct.indices))


def _bare(commands: pa.StringArray) -> pa.StringArray:
    """Take away the shell that runs a command, and what it does before the program that matters."""
    if commands.null_count == len(commands):
        return commands
    parts = pc.extract_regex(pc.utf8_trim_whitespace(commands), _SHELL)
    inner = pc.max_element_wise(*(pc.struct_field(parts, name) for name in parts.type.names))
    told = pc.coalesce(inner, commands)
    bare = pc.replace_substring_regex(told, _BEFORE, "")
    return pc.if_else(pc.equal(bare, ""), pc.utf8_trim_whitespace(told), bare)


def _joined(
    texts: pa.StringArray, pattern: str, groups: tuple[str, ...], mark: str
) -> pa.StringArray:
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), pa.string())
    parts = pc.extract_regex(texts, pattern)
    return pc.binary_join_element_wise(*(pc.struct_field(parts, name) for name in groups), mark)
