"""What is written in the documentation is run."""

import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer

from agentpond.cli import application
from agentpond.cli.agents import Doors, claude_code, codex
from agentpond.config.build import assemble, plan
from agentpond.exporters.duckdb import Config, DuckDBExporter
from agentpond.pipeline.core.signal import Identity
from agentpond.pipeline.pricing.own import read
from agentpond.pipeline.testing import settings
from agentpond.receiver.otlp.guard.tokens import parse as parse_tokens

from .support import ROOT, Block, blocks, commands, place_of

PYTHON = blocks("python")
WAITING = [block for block in PYTHON if "until Ctrl-C" in block.text]
LISTENING = Doors({"grpc": "127.0.0.1:4317", "http": "127.0.0.1:4318"})
QUERIES = [block.text for block in blocks("sql")] + [
    words[-1] for words in commands("agentpond") if words[1] == "query"
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBExporter]:
    exporter = DuckDBExporter(Config(path=tmp_path / "a.duckdb"), settings())
    exporter.start()
    yield exporter
    exporter.stop()


def block_at(page: str, language: str) -> str:
    found = [block.text for block in blocks(language) if block.place.startswith(f"{page}:")]
    return found[0]


def parse(words: tuple[str, ...]) -> str:
    """Have the command line read its words without doing what they say; name what they call."""
    command: Any = typer.main.get_command(application())
    name, context, rest = words[0], None, list(words[1:])
    while True:
        context = command.make_context(name, rest, parent=context)
        if not hasattr(command, "resolve_command"):
            return str(context.info_name)
        rest = [*context._protected_args, *context.args]
        if not rest and command.invoke_without_command:
            return str(context.info_name)
        name, command, rest = command.resolve_command(context, rest)


@pytest.mark.parametrize("block", [b for b in PYTHON if b not in WAITING], ids=place_of)
def test_every_python_block_runs(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    program = compile(block.text, block.place, "exec")

    told = {"__name__": "__main__"}
    exec(program, told)  # noqa: S102 - these are our own pages
    assert told.keys() > {"__name__", "__builtins__"}


@pytest.mark.parametrize("block", WAITING, ids=place_of)
def test_every_program_that_waits_for_ctrl_c_ends_well_then(block: Block, tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-c", block.text]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()

        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert ready.startswith("listening on 127.0.0.1:"), errors
    assert (process.returncode, errors) == (0, "")


def write_certificates(directory: Path) -> None:
    """Put in place the files that pages name: a server's pair, and an authority of clients."""
    ca = trustme.CA()
    pair = ca.issue_cert("localhost")
    pair.cert_chain_pems[0].write_to_path(str(directory / "server.pem"))
    pair.private_key_pem.write_to_path(str(directory / "server.key"))
    ca.cert_pem.write_to_path(str(directory / "clients.pem"))


@pytest.mark.parametrize("block", blocks("yaml"), ids=place_of)
def test_every_yaml_block_is_a_configuration_that_can_be_built(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_certificates(tmp_path)
    for name in ("POND_TOKEN", "BEN_PASSWORD"):
        monkeypatch.setenv(name, f"{name}-of-this-test")
    Path("agentpond.yaml").write_text(block.text)

    chosen = plan("agentpond.yaml")
    assemble(chosen)

    assert chosen.warnings == ()


@pytest.mark.parametrize("block", blocks("toml"), ids=place_of)
def test_every_toml_block_is_toml(block: Block) -> None:
    values = tomllib.loads(block.text)

    assert values != {}


@pytest.mark.parametrize("words", commands("agentpond"), ids=shlex.join)
def test_every_call_of_the_command_names_what_there_is(words: tuple[str, ...]) -> None:
    named = parse(words)

    assert named in words


def test_a_call_that_names_what_there_is_not_is_noticed() -> None:
    call = ("agentpond", "serve", "--confg", "a.yaml")

    with pytest.raises(Exception, match="--confg"):
        parse(call)


@pytest.mark.parametrize("words", commands("make"), ids=shlex.join)
def test_every_make_target_is_in_the_makefile(words: tuple[str, ...]) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert words[1] in targets


@pytest.mark.parametrize("sql", QUERIES)
def test_every_query_is_answered(sql: str, store: DuckDBExporter) -> None:
    answer = store.query(sql)

    assert answer.num_columns > 0


def test_the_readme_tells_claude_code_what_serve_tells_it() -> None:
    page = (ROOT / "README.md").read_text()

    lines = "\n".join(claude_code(LISTENING))

    assert f"```bash\n{lines}\n```" in page


def test_the_readme_tells_codex_what_serve_tells_it() -> None:
    page = (ROOT / "README.md").read_text()

    lines = "\n".join(codex(LISTENING))

    assert f"```toml\n{lines}\n```" in page


def test_the_price_file_of_the_page_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(block_at("docs/components/cost.md", "toml"))

    prices = read(path)

    assert [price.model for price in prices] == ["glm-4.6"]


def test_every_block_says_its_language_and_that_is_one_we_check() -> None:
    checked = {"python", "yaml", "toml", "sql", "bash", "text"}

    unknown = [block.place for block in blocks() if block.language not in checked]

    assert unknown == []


def test_the_token_file_of_the_page_can_be_read() -> None:
    text = block_at("docs/security.md", "text")

    tokens = parse_tokens(text, "tokens.txt")

    assert [token.identity for token in tokens] == [
        Identity(user_id="ada", team="the platform"),
        Identity(team="research"),
    ]
