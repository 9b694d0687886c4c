"""Offer the option that rewrites what tests expect of captured requests; end tidily."""

import gc

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the rows that captures become now to tests/golden, instead of comparing them",
    )


def pytest_unconfigure() -> None:
    """Take back what Hypothesis leaves in the interpreter.

    It times the garbage collector by a callback (`gc_cumulative_time`, 6.170) that holds on to the
    tests and through them to DuckDB until the interpreter has gone, whereupon DuckDB's binding
    prints pages about leaked functions.
    """
    ours = [each for each in gc.callbacks if not each.__module__.startswith("hypothesis.")]
    gc.callbacks[:] = ours


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
