"""Find the pages of the documentation and the blocks of code in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPONENT_PAGES = sorted((ROOT / "docs" / "components").glob("*.md"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *COMPONENT_PAGES,
]

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code in a page."""

    place: str
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """List the blocks of some languages, or all."""
    found = [block for page in PAGES for block in _blocks(page)]
    return [block for block in found if not languages or block.language in languages]


def place_of(block: Block) -> str:
    """Give a test's id."""
    return block.place


def commands(program: str) -> list[tuple[str, ...]]:
    """List the calls of a program in the shell blocks, as words."""
    words = [each for block in blocks("bash") for each in _commands(block.text)]
    return [(program, *each[1:]) for each in words if each[0] in (program, f".venv/bin/{program}")]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        place = f"{page.relative_to(ROOT)}:{line}"
        yield Block(place, match["language"], match["text"])


def _commands(text: str) -> Iterator[tuple[str, ...]]:
    """Split a block into commands; one goes on in the next line while a quote is open."""
    begun = ""
    for line in text.splitlines():
        begun += line
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:
            begun += "\n"
            continue
        begun = ""
        if words:
            yield tuple(words[: words.index(">")] if ">" in words else words)
