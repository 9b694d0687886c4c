"""Read the words of the commands that tell what was found; others look it up and show it."""

# ruff: noqa: PLC0415 - each command loads what it needs, so that --help does not wait for it
# ruff: noqa: PLR0913 - one argument for each option

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from .options import EPILOG, WRONG, ConfigOption, DbOption, JsonOption, fail, told

if TYPE_CHECKING:
    from .which import Which


class Severity(StrEnum):
    """How severe a finding is, the least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SessionOption = Annotated[
    str | None,
    typer.Option("--session", "-s", help="Only this session, by its id or the beginning of it."),
]
LatestOption = Annotated[
    int | None, typer.Option(min=1, help="Only so many sessions, those heard of last.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(help="Only what was heard of since then: 2026-11-01, or 7d for seven days back."),
]
SeverityOption = Annotated[
    Severity, typer.Option(help="Only findings that are as severe as this, or more.")
]
AdviceId = Annotated[
    str, typer.Argument(metavar="ID", help="The id, as `agentpond insights advice` shows it.")
]
OnOption = Annotated[
    str | None,
    typer.Option(help="Since when the line is there: 2026-11-01, or 7d back; without it, now."),
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Take back that it was adopted.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    advice_app = typer.Typer()
    advice_app.callback(invoke_without_command=True, epilog=EPILOG)(advice)
    advice_app.command("adopt", epilog=EPILOG)(adopt)
    insights_app = typer.Typer()
    insights_app.callback(invoke_without_command=True, epilog=EPILOG)(insights)
    insights_app.add_typer(advice_app, name="advice")
    insights_app.command("adopt", epilog=EPILOG)(adopt)
    app.add_typer(insights_app, name="insights")
    for command in (errors, compare, stalled):
        app.command(epilog=EPILOG)(command)


def insights(
    context: typer.Context,
    *,
    session: SessionOption = None,
    latest: LatestOption = None,
    since: SinceOption = None,
    severity: SeverityOption = Severity.INFO,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Show what was found in sessions, the most severe first.

    Without options: of the ten sessions heard of last among those of which anything was found.
    """
    if _passes_on(context):
        return
    which = _which(session, latest, since)
    with told():
        from .insights import show_insights
        from .reading import reader

        show_insights(reader(config, db), which, severity, as_json=as_json)


def advice(
    context: typer.Context,
    *,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """List lines for CLAUDE.md and AGENTS.md that may spare errors which come again."""
    if _passes_on(context):
        return
    with told():
        from .advice import show_advice
        from .reading import reader

        show_advice(reader(config, db), as_json=as_json)


def adopt(
    advice_id: AdviceId,
    *,
    on: OnOption = None,
    undo: UndoOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Note that a line of advice was taken, so that what comes after is held against before."""
    if undo and on is not None:
        fail("--undo takes back whatever date there is. Leave --on out.", WRONG)
    at_us = None if on is None else _us(on)
    with told():
        from .adopting import adopt_advice

        adopt_advice(config, db, advice_id, at_us, undo=undo)


def errors(
    *,
    session: SessionOption = None,
    latest: LatestOption = None,
    since: SinceOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Show which errors come again, the most expensive first.

    Without options: over all sessions. A session's own errors have their example, and what
    resolved them.
    """
    which = _which(session, latest, since)
    with told():
        from .errors import show_errors
        from .reading import reader

        show_errors(reader(config, db), which, as_json=as_json)


def compare(
    first: Annotated[str, typer.Argument(help="A session's id, or the beginning of it.")],
    second: Annotated[str, typer.Argument(help="Another session's.")],
    *,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Show two sessions side by side."""
    with told():
        from .compare import show_two
        from .reading import reader

        show_two(reader(config, db), first, second, as_json=as_json)


def stalled(
    *,
    since: SinceOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Show turns that are not over and went silent, the newest first."""
    since_us = None if since is None else _us(since)
    with told():
        import time

        from .reading import reader
        from .stalled import Silence, show_stalled, silent_us

        asking = reader(config, db)
        silent = silent_us(config, asking.store)
        asked = Silence(time.time_ns() // 1000, since_us, silent)
        show_stalled(asking, asked, as_json=as_json)


def _passes_on(context: typer.Context) -> bool:
    """Tell whether a command follows, which has options of its own."""
    if context.invoked_subcommand is None:
        return False
    given = [name for name in context.params if _is_given(context, name)]
    if given:
        name = given[0].removeprefix("as_")
        command = f"{context.command_path} {context.invoked_subcommand}"
        fail(
            f"--{name} stands before `{context.invoked_subcommand}`. Write it after: {command}"
            f" ... --{name}",
            WRONG,
        )
    return True


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _which(session: str | None, latest: int | None, since: str | None) -> "Which":
    from .which import Which

    options = {"--session": session, "--latest": latest, "--since": since}
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        fail(f"{' and '.join(given)} exclude each other. Give one of them.", WRONG)
    return Which(session, latest, None if since is None else _us(since))


def _us(text: str) -> int:
    import time

    from .since import since_us

    try:
        return since_us(text, time.time_ns() // 1000)
    except ValueError as error:
        fail(str(error), WRONG)
