"""Hold the search over columns against one that walks, on sessions made up at random."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.evidence.files import Files, together
from agentpond.pipeline.processors.correlations.causes import pairs_of
from agentpond.pipeline.processors.correlations.doings import Doings

NAMES = ("calc.py", "src/calc.py", "/srv/src/calc.py", "/opt/src/calc.py", "lib/calc.py", "x.py")


@dataclass(frozen=True)
class Doing:
    session_id: str
    at_us: int
    order: int
    use: int
    files: tuple[str, ...]


@st.composite
def doings(draw: st.DrawFn, *, errors: bool) -> list[Doing]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        # No use of a tool is decided on twice.
        use = draw(st.integers(-1, 7) if errors else st.sampled_from([-1, number]))
        order = use if errors else draw(st.sampled_from([-1, number]))
        session = draw(st.sampled_from("ab"))
        files = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
        made.append(Doing(session, draw(st.integers(0, 5)), order, use, tuple(files)))
    return made


def columns(told: list[Doing]) -> Doings:
    pairs = [(row, name) for row, doing in enumerate(told) for name in doing.files]
    rows = np.array([row for row, _ in pairs], np.int64)
    files = together((Files.of(rows, pa.array([name for _, name in pairs], pa.string())),))
    return Doings(
        pa.array([doing.session_id for doing in told], pa.string()),
        pa.array([bytes(16)] * len(told), pa.binary(16)),
        np.array([doing.at_us for doing in told], np.int64),
        np.array([doing.order for doing in told], np.int64),
        np.array([doing.use for doing in told], np.int64),
        files,
    )


def same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def entries(files: Files) -> list[tuple[int, str]]:
    return list(zip(files.row.tolist(), files.path.to_pylist(), strict=True))


def last(error: Doing, name: str, done: list[Doing], files: Files) -> tuple[int, str] | None:
    """Walk through all that was done, and give the last of it to a file before an error."""
    before = [
        (done[row].at_us, done[row].order, row, len(path), path)
        for row, path in entries(files)
        if done[row].session_id == error.session_id
        and (error.use < 0 or done[row].use != error.use)
        and (done[row].at_us, done[row].order) < (error.at_us, error.order)
        and _meets(name, path)
    ]
    return (max(before)[2], max(before)[4]) if before else None


def _meets(name: str, path: str) -> bool:
    whole = name.startswith("/") and path.startswith("/")
    return name == path if whole else same(name, path)


@given(doings(errors=False), doings(errors=True))
def test_a_search_over_columns_finds_what_walking_finds(
    done: list[Doing], failed: list[Doing]
) -> None:
    actions, errors = columns(done), columns(failed)

    found = pairs_of(actions, errors)

    walked = {
        place: last(failed[row], name, done, actions.files)
        for place, (row, name) in enumerate(entries(errors.files))
    }
    told = entries(actions.files)
    assert {
        place: told[at]
        for place, at in zip(found.failed.tolist(), found.done.tolist(), strict=True)
    } == {place: what for place, what in walked.items() if what}
