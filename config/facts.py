"""Tell of a processor what only building it tells: its scope, what it makes and when it runs."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..pipeline.core.component import Factory, Kind, Settings
from ..pipeline.core.counters import Counters
from ..pipeline.core.errors import AgentpondError
from ..pipeline.core.registry import Registry
from ..pipeline.core.sessions import SessionProcessor


@dataclass(frozen=True, slots=True)
class Facts:
    """What a processor with the default options says of itself."""

    scope: str
    reads: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    cadence: str = ""


def facts_of(factory: Factory) -> Facts | None:
    """Build a processor with its defaults and ask it; None if it is none or needs more."""
    if factory.kind is not Kind.PROCESSOR:
        return None
    settings = Settings(
        id=factory.name,
        logger=logging.getLogger(f"agentpond.{factory.kind.value}.{factory.name}"),
        clock=time.time_ns,
        state_directory=Path(),
        counters=Counters(),
    )
    try:
        processor = factory.build(factory.config.model_validate({}), settings)
    except (ValidationError, AgentpondError, ValueError, OSError):
        return None
    if not is_session_scope(processor):
        scope = getattr(processor, "scope", None)
        return Facts(scope) if isinstance(scope, str) else None
    return Facts("session", reads_of(processor), makes_of(processor), cadence_of(processor))


def is_session_scope(processor: object) -> bool:
    """Tell whether a processor sees whole sessions."""
    return getattr(processor, "scope", None) == "session"


def reads_of(processor: SessionProcessor) -> tuple[str, ...]:
    """Name the tables a processor reads."""
    return tuple(dict.fromkeys(need.table.name for need in processor.needs))


def makes_of(processor: SessionProcessor) -> tuple[str, ...]:
    """Name the tables a processor makes."""
    return tuple(table.name for table in processor.tables)


def cadence_of(processor: SessionProcessor) -> str:
    """Say when a processor runs: ``every 5s, settle 2s``."""
    return f"every {processor.cadence.every_s:g}s, settle {processor.cadence.settle_s:g}s"


def makers_of(table: str, registry: Registry) -> list[str]:
    """Name the known processors that make a table."""
    told = {factory.name: facts_of(factory) for factory in registry}
    return [name for name, facts in told.items() if facts is not None and table in facts.makes]
