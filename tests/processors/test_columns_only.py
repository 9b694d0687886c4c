"""Check that no row is walked where rows are many."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "pipeline"
MODULES = [
    path
    for room in ("processors", "pricing", "privacy", "session", "evidence")
    for path in sorted((ROOT / room).rglob("*.py"))
] + [ROOT / "core" / "columns.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_row_is_walked_in_python(path: Path) -> None:
    source = path.read_text()

    walks = re.findall(r"to_pylist|as_py|for row in|iterrows|to_pydict|to_pandas", source)

    assert walks == []
