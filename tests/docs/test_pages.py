"""Pages agree with the code they describe."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from agentpond.config.builtin import BUILTIN
from agentpond.config.describe import options, service_options
from agentpond.pipeline.core.component import Factory
from agentpond.pipeline.core.counters import METRICS
from agentpond.pipeline.core.schema import COLUMNS
from agentpond.receiver.dialects import DIALECTS

from .support import COMPONENT_PAGES, PAGES, ROOT

SENTENCE = re.compile(r"[A-Z`/].*[.?!)]", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)(?P<target>[^)#]+)")
REASON = re.compile(r'reason="(\w+)"')

# These end a start, and are told on the terminal: nothing is counted under them.
AT_START = {"bad_certificate", "bad_tokens_file", "cannot_listen"}


def no_sentence(told: dict[str, str]) -> list[str]:
    return [name for name, text in told.items() if not SENTENCE.fullmatch(text)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="session")
def fill() -> Callable[[str], str]:
    written: Callable[[str], str] = runpy.run_path(str(ROOT / "docs" / "generate.py"))["fill"]
    return written


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_generated_parts_are_up_to_date(page: Path, fill: Callable[[str], str]) -> None:
    text = page.read_text("utf-8")

    filled = fill(text)

    assert filled == text, "Run `make docs`."


def test_every_column_has_a_sentence() -> None:
    told = {f"{table}.{c.name}": c.meaning for table, columns in COLUMNS.items() for c in columns}

    assert no_sentence(told) == []


@pytest.mark.parametrize("factory", BUILTIN, ids=lambda factory: factory.name)
def test_every_option_has_a_sentence(factory: Factory) -> None:
    told = {option.name: option.meaning for option in options(factory.config)}

    assert no_sentence(told) == []


def test_every_option_of_the_service_has_a_sentence() -> None:
    told = {option.name: option.meaning for option in service_options()}

    assert no_sentence(told) == []


def test_every_counter_has_a_sentence() -> None:
    told = {metric.name: metric.help for metric in METRICS}

    assert no_sentence(told) == []


def test_every_component_has_a_page() -> None:
    pages = [page.stem for page in COMPONENT_PAGES]

    assert pages == sorted(factory.name for factory in BUILTIN)


@pytest.mark.parametrize("page", COMPONENT_PAGES, ids=name_of)
def test_every_component_page_has_the_same_headings(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)

    assert headings == ["Overview", "Getting started", "Configuration", "Counters", "Limits"]


@pytest.mark.parametrize("page", COMPONENT_PAGES, ids=name_of)
def test_every_component_page_lists_its_own_options(page: Path) -> None:
    text = page.read_text("utf-8")

    assert f"<!-- generated: options {page.stem} -->" in text


def test_every_event_type_of_a_dialect_is_explained() -> None:
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")
    told = {ours for each in DIALECTS for words in each.types.values() for ours in words.values()}

    unexplained = [ours for ours in sorted(told) if f"\n| `{ours}` |" not in page]

    assert unexplained == []


def test_every_dialect_has_its_tables() -> None:
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")

    missing = [
        d.agent for d in DIALECTS if f"generated: types {d.agent or 'genai'} -->" not in page
    ]

    assert missing == []


def test_every_reason_of_a_receiver_is_explained() -> None:
    page = (ROOT / "docs" / "counters.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in sorted((ROOT / "receiver").rglob("*.py"))]

    reasons = {reason for source in sources for reason in REASON.findall(source)} - AT_START

    assert [reason for reason in sorted(reasons) if f"| `{reason}` |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_change_stands_in_a_file_that_towncrier_finds() -> None:
    kinds = "added|changed|deprecated|removed|fixed|security"
    fragments = [path.name for path in (ROOT / "changelog.d").iterdir() if path.suffix == ".md"]

    named = [name for name in fragments if re.fullmatch(rf"\d+\.({kinds})(\.\d+)?\.md", name)]

    assert named == fragments
