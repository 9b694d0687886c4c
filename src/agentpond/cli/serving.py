"""Run a service until it is told to stop, and tell the person at the terminal about it."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from ..config.build import assemble, default_plan, plan
from ..config.check import Plan, doors
from ..config.document import dotted
from ..config.model import split_endpoint
from ..config.ports import Door, taken
from ..pipeline.core import counters as names
from ..pipeline.core.component import Kind, Receiver
from ..pipeline.core.errors import Permanent, Retryable
from ..pipeline.engine.service import Service
from .agents import Doors, claude_code, claude_code_more, codex, codex_more
from .holders import holder
from .live import live_line
from .memory import keep_little

logger = logging.getLogger("agentpond.serve")


@runtime_checkable
class Listening(Protocol):
    """A receiver that tells where it listens, door by door."""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Give ``host:port`` by the name of the door."""


@runtime_checkable
class Guarded(Protocol):
    """A receiver that tells what its senders need beside the address."""

    @property
    def secured(self) -> frozenset[str]:
        """Name the doors that speak TLS."""

    @property
    def asks_for_token(self) -> bool:
        """Tell whether senders must say who they are."""


def run(config: Path | None) -> int:
    """Run until SIGINT or SIGTERM; give the exit code.

    Raises:
        ConfigError: the configuration cannot be used; nothing was opened.

    """
    # Logs, dead letters and what DuckDB writes beside its file hold prompts.
    os.umask(0o077)
    keep_little()
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
    closed = why_closed(doors(chosen.parts[Kind.RECEIVER], chosen.service))
    if closed:
        # Before the service makes files that nobody will fill.
        console.print(Text("\n".join(closed)), soft_wrap=True)
        return 1
    stopping = asyncio.Event()
    _on_signals(stopping, service)
    try:
        await service.start()
    except (Permanent, Retryable, OSError) as error:
        for line in why_not(chosen, error):
            console.print(Text(line), soft_wrap=True)
        return 1
    site = service.telemetry.url if service.telemetry else None
    sys.stdout.write("\n".join(welcome(service.receivers, site)) + "\n")
    sys.stdout.flush()
    with live_line(service, console):
        await stopping.wait()
        logger.info("stopping: delivering what is in the log; a second signal leaves it there")
        await service.stop()
    left = int(service.counters.total(names.LOG_RECORDS))
    logger.info("stopped%s", f"; {left} records stay in the log" if left else "")
    return 0


def _on_signals(stopping: asyncio.Event, service: Service) -> None:
    """Stop at the first signal; at the second do not wait for pipelines; at the third end.

    None of them loses anything: what was acknowledged and is not delivered is in the log.
    """
    loop = asyncio.get_running_loop()

    def told() -> None:
        if not stopping.is_set():
            stopping.set()
            return
        service.hurry()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, told)
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


def welcome(receivers: Mapping[str, Receiver], telemetry: str | None) -> list[str]:
    """Say where the service listens and how to point an agent at it."""
    listening = {
        receiver_id: _doors(receiver)
        for receiver_id, receiver in receivers.items()
        if isinstance(receiver, Listening) and receiver.endpoints
    }
    lines = ["agentpond listens:"]
    for receiver_id, opened in listening.items():
        lines += [f"  {receiver_id} {door:<10} {at}" for door, at in opened.endpoints.items()]
    if telemetry:
        lines.append(f"  metrics, health  {telemetry}")
    first = next(iter(listening.values()), None)
    if first is None:
        return [*lines, "  no receiver has a port open"]
    return [*lines, "", *_agents(first)]


def _doors(receiver: Listening) -> Doors:
    if isinstance(receiver, Guarded):
        return Doors(receiver.endpoints, receiver.secured, receiver.asks_for_token)
    return Doors(receiver.endpoints)


def _agents(opened: Doors) -> list[str]:
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


def why_closed(doors: Iterable[Door]) -> list[str]:
    """Say of every port that cannot be had what is in the way."""
    lines: list[str] = []
    for door, error in taken(doors):
        why = error.strerror
        lines.append(f"agentpond cannot start: cannot listen on {door.endpoint}: {why}.")
        port, where = split_endpoint(door.endpoint)[1], dotted(door.path)
        who = holder(port)
        said = f"Port {port} is held by {who}. Stop it, or change" if who else "Change"
        lines.append(f"{said} {where}.")
    return lines


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
