"""Run a service until it is told to stop, and tell the person at the terminal about it."""

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.text import Text

from ..config.build import assemble, default_plan, plan
from ..config.check import Plan, doors
from ..config.document import dotted
from ..config.model import split_endpoint
from ..pipeline.core import counters as names
from ..pipeline.core.component import Kind, Receiver
from ..pipeline.core.counters import Counters
from ..pipeline.core.errors import Permanent, Retryable
from ..pipeline.engine.service import Service
from .agents import claude_code, claude_code_more, codex, codex_more
from .holders import holder

REFRESHES_A_SECOND = 4

logger = logging.getLogger("agentpond.serve")


@runtime_checkable
class Listening(Protocol):
    """A receiver that tells where it listens, door by door."""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Give ``host:port`` by the name of the door."""


def run(config: Path | None) -> int:
    """Run until SIGINT or SIGTERM; give the exit code.

    Raises:
        ConfigError: the configuration cannot be used; nothing was opened.

    """
    chosen = default_plan() if config is None else plan(config)
    console = Console(stderr=True)
    _log_to(console)
    for warning in chosen.warnings:
        logger.warning("%s", warning)
    service = assemble(chosen)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(chosen, service, console))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - there is none for Windows

    return uvloop.Loop


async def _run(chosen: Plan, service: Service, console: Console) -> int:
    stopping = asyncio.Event()
    _on_signals(stopping)
    try:
        await service.start()
    except (Permanent, Retryable, OSError) as error:
        for line in why_not(chosen, error):
            console.print(Text(line), soft_wrap=True)
        return 1
    site = service.telemetry.url if service.telemetry else None
    sys.stdout.write("\n".join(welcome(service.receivers, site)) + "\n")
    sys.stdout.flush()
    with live_line(service.counters, console):
        await stopping.wait()
        logger.info("stopping: delivering what is in the log; a second signal leaves it there")
        await service.stop()
    left = int(service.counters.total(names.LOG_RECORDS))
    logger.info("stopped%s", f"; {left} records stay in the log" if left else "")
    return 0


def _on_signals(stopping: asyncio.Event) -> None:
    """Stop at the first signal, and end at once at the second.

    That loses nothing: what was acknowledged and is not delivered is in the log.
    """
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, told, number)
        except NotImplementedError:
            # Windows' loops know none: Ctrl-C ends the program there without a drain, and
            # what is in the log is delivered at the next start.
            return


def _log_to(console: Console) -> None:
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, log_time_format="[%X]")
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("agentpond").setLevel(logging.INFO)


def live_line(counters: Counters, console: Console) -> AbstractContextManager[object]:
    """Show a line that follows the counters; nothing where there is no terminal."""
    if not console.is_terminal:
        return nullcontext()
    return Live(
        console=console,
        get_renderable=lambda: Text(counts(counters)),
        refresh_per_second=REFRESHES_A_SECOND,
        transient=True,
        redirect_stdout=False,
    )


def counts(counters: Counters) -> str:
    """Say in one line what became of the records."""
    shown = {
        "accepted": counters.total(names.ACCEPTED),
        "stored": counters.total(names.SENT),
        "refused": counters.total(names.REFUSED_RECORDS),
        "dropped": counters.total(names.DROPPED),
        "in the log": counters.total(names.LOG_RECORDS),
    }
    line = "   ".join(f"{word} {int(number):,}" for word, number in shown.items())
    requests = int(counters.total(names.REFUSED_REQUESTS))
    return f"records: {line}" + (f"   requests refused {requests:,}" if requests else "")


def welcome(receivers: Mapping[str, Receiver], telemetry: str | None) -> list[str]:
    """Say where the service listens and how to point an agent at it."""
    listening = {
        receiver_id: receiver.endpoints
        for receiver_id, receiver in receivers.items()
        if isinstance(receiver, Listening) and receiver.endpoints
    }
    lines = ["agentpond listens:"]
    for receiver_id, opened in listening.items():
        lines += [f"  {receiver_id} {door:<10} {address}" for door, address in opened.items()]
    if telemetry:
        lines.append(f"  metrics, health  {telemetry}")
    first = next(iter(listening.values()), {})
    if not first:
        return [*lines, "  no receiver has a port open"]
    return [*lines, "", *_agents(first)]


def _agents(opened: Mapping[str, str]) -> list[str]:
    return [
        "Claude Code: set these where it runs.",
        *(f"  {line}" for line in claude_code(opened)),
        "  # if wanted:",
        *(f"  # {line}" for line in claude_code_more()),
        "",
        "Codex: put this into ~/.codex/config.toml.",
        *(f"  {line}" for line in codex(opened)),
        *(f"  # {line}" for line in codex_more()),
        "",
    ]


def why_not(chosen: Plan, error: Exception) -> list[str]:
    """Say why a service could not start, and who is in the way."""
    text = str(error)
    lines = [f"agentpond cannot start: {text}"]
    for door in doors(chosen.parts[Kind.RECEIVER], chosen.service):
        port = split_endpoint(door.endpoint)[1]
        who = holder(port) if port and f":{port}" in text else ""
        if who:
            where = dotted(door.path)
            lines.append(f"Port {port} is held by {who}. Stop it, or change {where}.")
    return lines
