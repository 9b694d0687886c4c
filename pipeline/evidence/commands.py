"""Tell of shell commands which program they are about, which run tests, and which may be shown."""

import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Groups, Mask, mask_of
from ..session.texts import captured

# `bash -lc '...'`: how Codex before 0.50 and others hand a command over.
_SHELL = (
    r"(?s)^(?:\S*/)?(?:ba|z|da|k)?sh\s+-[a-z]*c\s+"
    r"(?:'(?P<told>.*)'|\"(?P<other>.*)\"|(?P<bare>.*))$"
)

_QUOTED = r"'[^']*'|\"(?:[^\"\\]|\\.)*\""
_VALUE = rf"(?:{_QUOTED}|\$\([^()]*\)|`[^`]*`|[^\s'\";&|`])*"

# What stands before the program that matters.
_BEFORE = (
    r"^(?:\s+|#[^\n]*\n"
    # A group, a test and what follows on it.
    r"|[({!]|\[\[?\s[^\]\n]*\]\]?\s*(?:&&|\|\||;|$)|\[\[?\s"
    r"|(?:if|then|elif|else|while|until|do)\b"
    rf"|(?:cd|pushd|source|\.|export|unset|set|ulimit|alias)\b(?:{_QUOTED}|[^;&|\n'\"])*(?:&&|;|\n)"
    r"|sudo(?:\s+-[CDghpRTUu]\s+\S+|\s+-\S+)*\s"
    r"|(?:/usr/bin/)?(?:time|nohup|exec|command|env|nice|stdbuf|xvfb-run)(?:\s+-[nu]\s+\S+|\s+-\S+)*\s"
    r"|timeout(?:\s+-[ks]\s+\S+|\s+-\S+)*\s+\S+\s"
    rf"|[A-Za-z_]\w*\+?={_VALUE}(?:\s|;|&&|$))+"
)

# Options whose value is a secret, or may be.
_HIDDEN = (
    r"token|secret|passw(?:or)?d|passphrase|pass|pwd|api-?key|access-?key|key|auth\w*"
    r"|bearer|credentials?|cookie|header|user(?:name)?"
)
_SECRET_OPTION = rf"(?i)\s--?(?:\w+-)*(?:{_HIDDEN})(?:=|\s+)(?:{_QUOTED}|\S)+"

_PYTHON = r"^(?:\S*/)?(?P<program>python[0-9.]*|py)(?:\s+-[^m\s]\S*)*\s+-m\s+(?P<module>[\w.]+)"
_RUNNERS = r"^(?:\S*/)?(?P<program>npm|pnpm|yarn|bun|uv|poetry|pdm|hatch|pipenv|docker|rye|nix)"
_RUNS = (
    _RUNNERS + r"(?:\s+-\S+)*\s+(?P<sub>run|exec|compose|tool)(?:\s+-\S+)*\s+(?P<word>[\w:./@-]+)"
)
_SUBCOMMANDS = (
    r"^(?:\S*/)?(?P<program>git|gh|npm|npx|pnpm|yarn|bun|bunx|deno|pip3?|pipx|uvx?|poetry|pdm|conda|cargo"
    r"|rustup|go|docker|podman|kubectl|helm|terraform|aws|gcloud|az|make|just|task|dotnet|mvn|\./mvnw|gradle"
    r"|gradlew|bundle|rake|gem|composer|php|systemctl|apt|apt-get|brew|nox|tox|hatch|rails|mix|swift|flutter"
    r"|ng|nx|turbo|vercel|bazel|cmake|node)(?:\s+(?:-C\s+\S+|-\S+))*\s+(?P<word>[A-Za-z][\w:.-]*)"
)
# A path before it has no `=`: what is assigned is no program, and may be a secret.
_PROGRAM = (
    r"^(?:[^\s=:]*[/\\]|[A-Za-z]:\\[^\s=:]*\\)?"
    r"(?P<told>(?:[A-Za-z_]|\d+[a-z])[\w.+-]*)(?:$|[\s;&|<>()'\"])"
)

# A runner of tests, as what a command is about.
_RUNNER = (
    r"(?:\S*/)?(?:pytest|py\.test|unittest|nosetests|nose2|tox|nox|ctest|jest|vitest|mocha|ava|karma|phpunit"
    r"|pest|rspec|minitest|bats|gotestsum|nextest|testthat|prove"
    r"|cypress\s+(?:-\S+\s+)*(?:run|open)|playwright\s+test|manage\.py\s+test|artisan\s+test|setup\.py\s+test"
    r"|(?:dotnet|swift|flutter|deno|bun|mix|bazel|rails|rake|hatch|poe|nx|ng|turbo)\s+(?:-\S+\s+)*test"
    r"|go\s+(?:-C\s+\S+\s+)?test|zig\s+(?:build\s+)?test|node\s+(?:-\S+\s+)*--test"
    r"|cargo\s+(?:[+-]\S+\s+)*(?:test|t|nextest\s+run)"
    r"|(?:npm|pnpm|yarn|bun)\s+(?:workspace\s+\S+\s+|-\S+\s+(?:\S+\s+)?)*(?:run(?:-script)?\s+)?"
    r"(?:t|tests?(?:[-:_.]\S*)?)"
    r"|(?:make|just|task)\s+(?:-\S+\s+(?:\S+\s+)?|\S+\s+)??(?:test\S*|check)"
    r"|(?:mvnw?|gradlew?)\s+(?:\S+\s+)*?(?:\S*:)?(?:test\w*|verify|check))"
)
# What runs another program: at the most so many words of its own stand before that.
_LAUNCHER = (
    r"(?:\S*/)?(?:npx|bunx|pnpx|uvx|xargs|php|ruby|perl|node)\s+(?:-\S+\s+)*"
    r"|(?:\S*/)?(?:npm|pnpm|yarn|bun|uv|poetry|pdm|hatch|pipenv|rye|pixi|pipx|bundle|mise|conda|mamba|micromamba)"
    r"\s+(?:-\S+\s+)*(?:run|exec|dlx|x|workspace\s+\S+(?:\s+run)?|tool\s+run)\s+"
    r"(?:--?\w\S*\s+(?:[^\s-]\S*\s+)??|--\s+)*?"
    r"|(?:\S*/)?(?:yarn|pnpm|bun)\s+(?:-\S+\s+)*"
    r"|(?:\S*/)?(?:docker|podman|docker-compose|kubectl)\s+(?:compose\s+)?(?:-\S+\s+(?:\S+\s+)??)*?(?:run|exec)\s+"
    r"(?:\S+\s+){0,7}?[^\s-]\S*\s+(?:--\s+)?"
    r"|(?:\S*/)?(?:python[0-9.]*|py)\s+(?:-[XW]\s+\S+\s+|-\S+\s+)*"
    r"|(?:\S*/)?coverage\s+run\s+(?:-\S+\s+)*"
)
_TESTS = rf"^(?:{_LAUNCHER})*{_RUNNER}(?:$|[\s;&|):}}])"

# A runner that is asked something, or told to leave tests out.
_NO_TESTS = (
    r"\s(?:--help|--version|--collect-only|--co|--list(?:-?[tT]ests)?|--no-run|--showConfig|--fixtures"
    r"|--markers|--init|--clearCache|-h|-DskipTests\S*|-Dmaven\.test\.skip\S*|(?:-x|--exclude-task)\s+\S*test)"
    r"(?:$|[\s;&|)}=])"
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

# One command after another.
_NEXT = r"&&|\|\|?|;|\n"

MAX_SHOWN = 120
"""Characters of a command that may be shown."""

# Headers, passwords, and what is as long as a key.
_SECRET = (
    rf"(?i)(?:{_HIDDEN})\w*['\"]?\s*[=:]|(?:^|\s)--?(?:\w+-)*(?:{_HIDDEN})\b"
    r"|\w*(?:pw|pass|secret|token|key)\w*=|\bauthorization\b|\bbearer\b|\bbasic\s"
    r"|://[^\s/@]*@|\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z]|hf|npm|akia|aiza|eyj)[-_]\S{8}"
    r"|\b(?:akia|eyj)\w{8}|\bmysql\w*\s.*-p\S|\bsshpass\b|[\w+=-]{32}"
)
_HEADER = r"(?:^|\s)-[HuU]"

_NONE = pa.scalar(None, pa.string())


def programs_of(commands: pa.StringArray) -> pa.StringArray:
    """Name the program of each command, with its subcommand or module; NULL stays NULL.

    `cd app && python3 -m unittest -v` gives `python3 -m unittest`, `/usr/bin/cat x` gives `cat`.
    NULL where no program is found: any other part of a command may be a secret.
    """
    distinct = commands.dictionary_encode()
    bare = _bare(distinct.dictionary)
    named = pc.coalesce(
        _joined(bare, _PYTHON, ("program", "module"), " -m "),
        _joined(bare, _RUNS, ("program", "sub", "word"), " "),
        _joined(bare, _SUBCOMMANDS, ("program", "word"), " "),
        captured(bare, _PROGRAM),
    )
    return named.take(distinct.indices)


def run_tests(commands: pa.StringArray) -> Mask:
    """Mask the commands that run tests; to speak of a runner, or to install one, runs none."""
    if commands.null_count == len(commands):
        return mask_of(pc.is_valid(commands))
    distinct = pc.fill_null(commands, "").dictionary_encode()
    run = _inner(distinct.dictionary)
    for pattern, replacement in _NOT_RUN:
        run = pc.replace_substring_regex(run, pattern, replacement)
    parts = pc.split_pattern_regex(run, _NEXT)
    whole = Groups(pc.list_parent_indices(parts).to_numpy(), len(parts))
    part = pc.replace_substring_regex(pc.list_flatten(parts), _BEFORE, "")
    tests = pc.and_not(
        pc.match_substring_regex(part, _TESTS), pc.match_substring_regex(part, _NO_TESTS)
    )
    return mask_of(pa.array(whole.any(mask_of(tests))).take(distinct.indices))


def may_be_shown(commands: pa.StringArray) -> Mask:
    """Mask the commands that may stand in a sentence: short, one line, nothing secret in them."""
    if commands.null_count == len(commands):
        return mask_of(pc.is_valid(commands))
    line = pc.less_equal(pc.utf8_length(commands), MAX_SHOWN)
    odd = pc.match_substring_regex(commands, r"[\x00-\x1f\x7f`]")
    # `git push -u` is a branch to follow, and no user.
    header = pc.and_not(
        pc.match_substring_regex(commands, _HEADER), pc.starts_with(commands, "git ")
    )
    secret = pc.or_(header, pc.match_substring_regex(commands, _SECRET))
    return mask_of(pc.and_not(line, pc.or_(odd, secret)))


def _inner(commands: pa.StringArray) -> pa.StringArray:
    """Take away the shell that runs a command."""
    parts = pc.extract_regex(pc.utf8_trim_whitespace(commands), _SHELL)
    inner = pc.max_element_wise(*(pc.struct_field(parts, name) for name in parts.type.names))
    return pc.coalesce(inner, commands)


def _bare(commands: pa.StringArray) -> pa.StringArray:
    """Take away what a command does before the program that matters, and secrets."""
    if commands.null_count == len(commands):
        return commands
    told = pc.replace_substring_regex(_inner(commands), _SECRET_OPTION, "")
    bare = pc.replace_substring_regex(told, _BEFORE, "")
    return pc.if_else(pc.equal(bare, ""), pc.utf8_trim_whitespace(told), bare)


def _joined(
    texts: pa.StringArray, pattern: str, groups: tuple[str, ...], mark: str
) -> pa.StringArray:
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), pa.string())
    parts = pc.extract_regex(texts, pattern)
    return pc.binary_join_element_wise(*(pc.struct_field(parts, name) for name in groups), mark)
