"""Have costs made again from the tokens that are stored, and show what changed."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..pipeline.engine.sessions.asked import RepriceAsked, Repriced
from ..pipeline.pricing.own import read
from .processing import with_bars
from .rows import UNLIMITED_WIDTH
from .since import since_us
from .worker import worker_on

TITLES = (
    *("provider", "model", "calls", "changed", "before, USD", "after, USD", "difference, USD"),
    *("unpriced before", "unpriced after"),
)


def question(since: str | None, prices: Path | None) -> RepriceAsked:
    """Turn the command line's words into what is asked. Raises ValueError, in words."""
    text = None
    if prices is not None:
        # Read here first, so that a mistake is told with the file's name and nothing is begun.
        read(prices)
        text = prices.read_text("utf-8")
    now_us = time.time_ns() // 1000
    return RepriceAsked(None if since is None else since_us(since, now_us), text)


def reprice_store(
    config: Path | None, db: Path | None, asked: RepriceAsked, prices: Path | None
) -> None:
    """Make costs again and print what changed.

    Raises:
        ConfigError: the configuration cannot be used.
        Permanent: it was refused.
        Retryable: not now.

    """
    with worker_on(config, db) as worker:
        steps = list(with_bars(worker.reprice(asked)))
    changes = [step for step in steps if isinstance(step, Repriced)]
    console = Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else UNLIMITED_WIDTH, highlight=False
    )
    if changes:
        console.print(table_of(changes))
    for line in summary(changes, prices):
        console.print(Text(line), soft_wrap=True)


def table_of(changes: Sequence[Repriced]) -> Table:
    """Draw what changed, by provider and model, and in all."""
    table = Table(show_edge=False)
    for title in TITLES:
        table.add_column(title, justify="left" if title in TITLES[:2] else "right")
    for each in (*changes, total(changes)):
        table.add_row(*(Text(cell) for cell in _cells(each)))
    return table


def total(changes: Sequence[Repriced]) -> Repriced:
    """Add up all providers and models."""
    return Repriced(
        provider="total",
        model=None,
        calls=sum(each.calls for each in changes),
        changed=sum(each.changed for each in changes),
        before_usd=sum(each.before_usd or 0.0 for each in changes),
        after_usd=sum(each.after_usd or 0.0 for each in changes),
        unpriced_before=sum(each.unpriced_before for each in changes),
        unpriced_after=sum(each.unpriced_after for each in changes),
    )


def summary(changes: Sequence[Repriced], prices: Path | None) -> list[str]:
    """Say what the total covers, and how to keep prices that were tried out."""
    whole = total(changes)
    if not whole.calls:
        return ["There are no API calls to price."]
    before = _share(whole.calls, whole.unpriced_before)
    after = _share(whole.calls, whole.unpriced_after)
    changed = f"{whole.changed:,} of {whole.calls:,} calls changed."
    covers = f"The total covers {after} of the calls, before {before}; the others have no price."
    lines = [f"{changed} {covers}"]
    if prices is not None:
        keep = f"`ledger: {{prices: {prices}}}` under `processors:`"
        lines.append(f"To keep these prices for what is to come, write {keep}.")
    return lines


def _cells(each: Repriced) -> tuple[str, ...]:
    before, after = each.before_usd, each.after_usd
    difference = None if before is None and after is None else (after or 0.0) - (before or 0.0)
    return (
        *(each.provider or "", each.model or "", f"{each.calls:,}", f"{each.changed:,}"),
        *(_usd(before), _usd(after), _usd(difference, "+")),
        *(f"{each.unpriced_before:,}", f"{each.unpriced_after:,}"),
    )


def _usd(amount: float | None, sign: str = "") -> str:
    # Adding 0.0 to what is rounded makes 0 of -0.
    return "" if amount is None else f"{round(amount, 6) + 0.0:{sign},.6f}"


def _share(calls: int, unpriced: int) -> str:
    return f"{(calls - unpriced) / calls:.1%}"
