"""Damaged bodies and damaged logs keep the laws: a fixed share of what `make fuzz` runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .orders import Mutants
from .targets import targets
from .watch import Judge

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"
)

FOUND = sorted((Path(__file__).parent / "found").glob("*.bin"))
SEED = 20261120
INPUTS = {
    "frames": 4000,
    "dense": 12,
    "gzip": 2000,
    "log": 150,
    "protobuf": 400,
    "json": 300,
    "together": 40,
    "tell": 300,
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(deadline_s=30.0) as judging:
        yield judging


@pytest.mark.parametrize("name", targets())
def test_damaged_input_keeps_the_law(judge: Judge, name: str) -> None:
    order = Mutants(name, SEED, first=0, count=INPUTS[name.partition("-")[0]])

    broken = list(judge.judge_mutants(order))

    assert broken == []


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_fuzzing_found_keeps_the_law_now(judge: Judge, path: Path) -> None:
    name = path.name.partition(".")[0]

    failure = judge.judge(name, path.read_bytes())

    assert failure is None
