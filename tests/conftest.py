"""Offer the option that rewrites what tests expect of captured requests; end tidily."""

import gc
import inspect
from contextlib import suppress
from traceback import clear_frames
from types import FrameType, TracebackType

import pytest
from hypothesis import settings

# No test asserts how long something takes: the machine may be busy with the others.
settings.register_profile("agentpond", deadline=None)
settings.load_profile("agentpond")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the rows that captures become now to tests/golden, instead of comparing them",
    )


def pytest_unconfigure() -> None:
    """Have the interpreter hold nothing of the tests any more.

    Else it still holds DuckDB when it goes, and DuckDB's binding prints pages about leaks. What
    holds on is Hypothesis' callback that times the garbage collector (`gc_cumulative_time`,
    6.170); tracebacks of errors that are parameters of a test, with a gRPC server in them; and
    pydantic's errors, whose cycles the collector does not see (pydantic-core 2.50).
    """
    ours = [each for each in gc.callbacks if not each.__module__.startswith("hypothesis.")]
    gc.callbacks[:] = ours
    for each in gc.get_objects():
        if isinstance(each, TracebackType):
            clear_frames(each)
        # Not those of generators: pytest's own are suspended, and to clear is to close them.
        elif isinstance(each, FrameType) and not each.f_code.co_flags & inspect.CO_GENERATOR:
            with suppress(RuntimeError):  # It is being executed.
                each.clear()
    gc.collect()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
