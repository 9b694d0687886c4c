"""Keep what the commands share: their options, their exit codes, and how they end in words."""

# ruff: noqa: PLC0415 - each command loads what it needs, so that --help does not wait for it

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

OK = 0
FAILED = 1
WRONG = 2

EPILOG = (
    "Exit codes: 0 all is well; 1 it could not be done (a port or file is taken, a query was "
    "refused); 2 the command line or the configuration is wrong."
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration; without it, the built-in default."),
]
DbOption = Annotated[
    Path | None, typer.Option(help="The store's file, in the place of the configuration's.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for other programs.")]


@contextmanager
def told() -> Iterator[None]:
    """Say in words what keeps a command from being done, and leave with its exit code."""
    from ..pipeline.core.errors import ConfigError, Permanent, Retryable

    try:
        yield
    except ConfigError as error:
        fail(str(error), WRONG)
    except (Permanent, Retryable, OSError) as error:
        if isinstance(error, BrokenPipeError):
            _hang_up()
        fail(str(error), FAILED)
    except KeyboardInterrupt:
        fail("interrupted; what was done until now is kept.", FAILED)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong, and leave."""
    from .shown import harmless

    # It may name what others sent, such as the id of a session.
    typer.echo(harmless(message), err=True)
    raise typer.Exit(code)


def _hang_up() -> NoReturn:
    """Leave quietly: who reads our output has gone, as `head` does."""
    # Otherwise the interpreter complains when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(OK)
