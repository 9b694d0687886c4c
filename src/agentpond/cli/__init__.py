"""Turn a command line into a running service, a checked file, an answer or made tables."""

# ruff: noqa: PLC0415 - each command loads what it needs, so that --help does not wait for it

import logging
import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from . import findings
from .conformance import conformance
from .formats import Format, format_of
from .options import EPILOG, FAILED, OK, WRONG, ConfigOption, DbOption, fail, told


def main() -> None:
    """Run the command line."""
    application()()


def application() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="agentpond",
        help="Receive the telemetry of coding agents and keep it as normalised events.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (serve, validate, components, query, process, reprice):
        app.command(epilog=EPILOG)(command)
    findings.add_to(app)
    app.command(epilog=EPILOG)(conformance)
    app.command(epilog=EPILOG)(version)
    config = typer.Typer(help="Print the schema or the default of the configuration.")
    config.command("schema")(config_schema)
    config.command("default")(config_default)
    app.add_typer(config, name="config")
    return app


def serve(config: ConfigOption = None) -> None:
    """Receive, process and store until SIGINT or SIGTERM."""
    from ..pipeline.core.errors import ConfigError
    from .serving import run

    try:
        code = run(config)
    except ConfigError as error:
        fail(str(error), WRONG)
    _leave(code)


def validate(
    file: Annotated[Path | None, typer.Argument(help="The configuration to check.")] = None,
) -> None:
    """Build everything that serve would, short of opening ports and files."""
    from ..config.build import assemble, default_plan, files_of, plan
    from ..pipeline.core.errors import ConfigError
    from .summary import summary

    try:
        chosen = default_plan() if file is None else plan(file)
        service = assemble(chosen)
    except ConfigError as error:
        fail(str(error), WRONG)
    for warning in chosen.warnings:
        typer.echo(f"{warning} (warning)", err=True)
    typer.echo("\n".join(summary(chosen, files_of(service.exporters), service.engines)))


def components(
    name: Annotated[str | None, typer.Argument(help="Only the components of this name.")] = None,
) -> None:
    """List the components with their options."""
    from rich.console import Console

    from .listing import show_components

    if not show_components(Console(), name):
        fail(f"there is no component `{name}`. List all: agentpond components", WRONG)


def query(
    sql: Annotated[
        str, typer.Argument(help="One statement that only reads; `-` reads it from stdin.")
    ],
    config: ConfigOption = None,
    db: Annotated[Path | None, typer.Option(help="The file to read, without a config.")] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="How to write; else as the output's name ends."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write.")] = None,
) -> None:
    """Ask the store: through the running service where there is one, else its file."""
    form = form or format_of(output)
    if form is Format.PARQUET and output is None and sys.stdout.isatty():
        fail("Parquet is not for terminals. Name a file with --output, or pipe it.", WRONG)
    sql = sys.stdin.read() if sql == "-" else sql
    if not sql.strip():
        fail('the query is empty. Write one, such as "FROM events LIMIT 5".', WRONG)
    if output is not None and not output.parent.is_dir():
        fail(f"there is no folder {output.parent} for --output. Make it first.", WRONG)
    from .asking import ask_store
    from .rows import write

    with told():
        rows = ask_store(db if db is not None else _store(config), sql)
        write(rows, form, output)


def process(
    processor: Annotated[
        str | None, typer.Option("--processor", "-p", help="Only this processor, by its id.")
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="Only this session, by its id.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the sessions that nothing is new of.")
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Make the tables of sessions: what is due, or all again."""
    from ..pipeline.engine.sessions.asked import Asked
    from .processing import process_store

    asked = Asked(processor, session, everything)
    with told():
        well = process_store(config, db, asked)
    raise typer.Exit(OK if well else FAILED)


def reprice(
    since: Annotated[
        str | None,
        typer.Option(help="Only calls since then: 2026-11-01, or 7d for the last seven days."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A price file to use instead of the ledger's own.")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Make the costs of API calls again from their tokens, and print what changed."""
    from .repricing import question, reprice_store

    try:
        asked = question(since, prices)
    except ValueError as error:
        fail(str(error), WRONG)
    with told():
        reprice_store(config, db, asked, prices)


def _store(config: Path | None) -> Path:
    from .store import find_store

    return find_store(config)


def version() -> None:
    """Print the version."""
    typer.echo(f"agentpond {installed_version('agentpond')}")


def config_schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    import json

    from ..config.builtin import registry
    from ..config.describe import json_schema

    typer.echo(json.dumps(json_schema(registry()), indent=2))


def config_default() -> None:
    """Print the built-in default configuration, to start from."""
    from ..config.default import default_text

    typer.echo(default_text(), nl=False)


def _leave(code: int) -> NoReturn:
    """End the process once all is closed, without taking the interpreter apart.

    grpc's own thread outlives its server, and with it alive DuckDB's binding counts all of its
    types and functions as leaked and prints a page about it (grpcio 1.85, duckdb 2.0.0).
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
