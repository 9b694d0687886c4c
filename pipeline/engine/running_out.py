"""Bring the pipelines to the end of the log when the service stops, as far as there is time."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from .runner import Runner
from .watch import Watch

logger = logging.getLogger("agentpond.service")


async def run_out(
    runners: Sequence[Runner], watch: Watch, deadline_s: float, hurried: Callable[[], bool]
) -> None:
    """Return when the pipelines have ended, or nobody wants to wait for them any more."""
    for runner in runners:
        runner.finish()
    over = watch.until(lambda: hurried() or not any(runner.running for runner in runners))
    try:
        await asyncio.wait_for(over, deadline_s)
    except TimeoutError:
        logger.warning(
            "the pipelines did not come to the log's end within %g s; the rest stays there.",
            deadline_s,
        )


async def leave(runners: Sequence[Runner], timeout_s: float) -> None:
    """Wait for the pipelines' threads, which were told to halt, but for those that hang."""
    for runner in runners:
        if not await asyncio.to_thread(runner.join, timeout_s):
            logger.error(
                "pipeline %s: an exporter does not return; it is left behind.", runner.pipeline.id
            )
