"""Show the components and their options at the terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..config.builtin import registry
from ..config.describe import Option, Page, pages, service_options
from ..config.facts import Facts

SHOWN_CHARACTERS = 60


def show_components(console: Console, name: str | None = None) -> bool:
    """Print every component, or those of one name; False if there is none of it."""
    found = [page for page in pages(registry()) if name in (None, page.name)]
    for page in found:
        show_page(console, page)
    if name is None:
        console.print(Text("service", style="bold"), Text("How the parts are put together."))
        console.print(Padding(_options(service_options()), (0, 0, 1, 2)))
    return bool(found)


def show_page(console: Console, page: Page) -> None:
    """Print one component: what it is, and its options."""
    console.print(Text(f"{page.kind.value}: {page.name}", style="bold"), Text(page.summary))
    if page.facts is not None:
        console.print(Padding(Text(scope_line(page.facts)), (0, 0, 0, 2)))
    options = _options(page.options) if page.options else Text("no options")
    console.print(Padding(options, (0, 0, 1, 2)))


def scope_line(facts: Facts) -> str:
    """Say what a processor sees, and what it makes of that and when."""
    if facts.scope != "session":
        return f"scope: {facts.scope}"
    reads, makes = ", ".join(facts.reads), ", ".join(facts.makes)
    return f"scope: session; reads {reads}; makes {makes}; {facts.cadence}"


def _options(options: tuple[Option, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("option", no_wrap=True)
    for title in ("type", "default", "meaning"):
        table.add_column(title, overflow="fold")
    for option in options:
        default = shortened(option.default)
        table.add_row(*(Text(each) for each in (option.name, option.type, default, option.meaning)))
    return table


def shortened(default: str) -> str:
    """Cut a long default; the schema has all of it."""
    return default if len(default) <= SHOWN_CHARACTERS else f"{default[:SHOWN_CHARACTERS]}..."
