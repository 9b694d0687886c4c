"""Write values for people: money, times, shares and texts that others sent, on a console."""

import io
import re
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

WIDEST = 120
PIPED_WIDTH = 100
STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}

_INDENT = 4
_A_TIME = re.compile(r"\d{4}-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENT = 0.01
_LEAST_SHOWN = 0.0001
_NO_TIME = "a time in no year from 1 to 9999"


def console() -> Console:
    """Give a console on stdout that is neither too wide to read nor stopped by a character."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    terminal = Console(file=sys.stdout, highlight=False)
    width = min(terminal.width, WIDEST) if terminal.is_terminal else PIPED_WIDTH
    return Console(file=sys.stdout, highlight=False, width=width)


def say(out: Console, *lines: str) -> None:
    """Print sentences; empty ones are left out."""
    for line in lines:
        if line:
            _print(out, Text(line), 0)


def indent(out: Console, line: str, style: str = "") -> None:
    """Print a line a little to the right, also where it goes on in the next."""
    _print(out, Text(line, style), _INDENT)


def _print(out: Console, text: Text, left: int) -> None:
    # rich's own wrapping leaves the space at which it broke the line.
    for part in text.wrap(out, out.width - left):
        part.rstrip()
        part.pad_left(left)
        out.print(part)


def plain(text: Any) -> str:
    """Make one line of a text that somebody sent, without what steers a terminal."""
    return " ".join(harmless("" if text is None else str(text)).split())


def harmless(text: str) -> str:
    """Leave out of lines what steers a terminal."""
    kept = (each for each in text if _is_shown(each))
    return "".join(" " if each.isspace() and each != "\n" else each for each in kept)


def whose(agent: Any) -> str:
    """Name an agent, also one that is not told."""
    return plain(agent) or "unknown agent"


def _is_shown(character: str) -> bool:
    # Cc steers terminals (ESC), Cf turns the direction of what follows; white space is Cc too.
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}


def shortened(text: Any, most: int) -> str:
    """Make one line of a text, and cut it where it is long."""
    line = plain(text)
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."


def usd(amount: float | None) -> str:
    """Write US dollars; empty where they are not known."""
    if amount is None:
        return ""
    if 0 < abs(amount) < _LEAST_SHOWN:
        return "<$0.0001" if amount > 0 else ">-$0.0001"
    digits = 2 if abs(amount) >= _CENT or amount == 0 else 4
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"


def percent(share: float | None) -> str:
    """Write a share; empty where it is not known."""
    return "" if share is None else f"{share:.1%}".replace(".0%", "%")


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def when(time: str | None) -> str:
    """Write a time of the store to the minute, in UTC; empty where it is not known."""
    if time is None:
        return ""
    return time[:16].replace("T", " ") if _A_TIME.match(time) else _NO_TIME


def moment(at_us: int) -> str:
    """Write Unix microseconds to the minute, in UTC."""
    try:
        at = _EPOCH + timedelta(microseconds=at_us)
    except OverflowError:
        return _NO_TIME
    return f"{at.isoformat(' ', 'minutes').removesuffix('+00:00')} UTC"
