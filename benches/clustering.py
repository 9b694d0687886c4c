"""Measure how fast and how well errors are clustered, against an incremental miner of templates."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import pyarrow as pa

from agentpond.pipeline.evidence.messages import lines_of
from agentpond.pipeline.evidence.templates import fingerprints_of, templates_of
from tests.evidence.generated import Generated, agreement, generated

from .measure import Case, report, take_turns, verdict

_ERRORS = 20_000
_MANY = 100_000
_A_SECOND = 150_000
_TEMPLATES = 200
_SEED = 1
_TRACED = 10  # one error in so many has a traceback around it

_TRACEBACK = """Traceback (most recent call last):
  File "app/main.py", line 12, in <module>
    main()
  File "app/main.py", line 8, in main
    run(settings)
"""


def bench_clustering() -> None:
    """Cluster 20,000 different errors, against drain3-improved where it is installed."""
    errors = generated(_ERRORS, _TEMPLATES, _SEED)
    names = {"ours": fingerprints}
    if find_spec("drain3") is not None:
        # It comes first: what the others are measured by.
        names = {"drain3-improved": mined, **names}
    nbytes = sum(map(len, errors.messages))
    cases = [Case(name, _ERRORS, nbytes, _runs(find, errors)) for name, find in names.items()]
    traced = _traced(errors)
    size = sum(map(len, traced.messages))
    cases.append(Case("ours, one in ten a traceback", _ERRORS, size, _runs(fingerprints, traced)))
    many = generated(_MANY, _TEMPLATES, _SEED)
    size = sum(map(len, many.messages))
    cases.append(Case("ours, 100,000 in a call", _MANY, size, _runs(fingerprints, many)))
    timed = take_turns(cases, 5)
    report("errors to clusters, one thread", timed)
    for each in timed:
        if each.case.name.startswith("ours"):
            met = verdict(each.records_a_second / _A_SECOND, 1.0)
            print(f"  {each.case.name:38}{_A_SECOND:,} errors/s{met}")
    for name, find in names.items():
        found = agreement(errors.truth, find(errors.messages))
        print(f"  {name:38}precision {found.precision:.4f}, recall {found.recall:.4f}")


def fingerprints(messages: Sequence[str]) -> tuple[str, ...]:
    """Name the cluster of each message by its fingerprint."""
    named = fingerprints_of(templates_of(lines_of(pa.array(messages, pa.string()))))
    return tuple(named.to_pylist())


def mined(messages: Sequence[str]) -> tuple[str, ...]:
    """Name the cluster of each message as drain3-improved numbers them."""
    config = import_module("drain3.template_miner_config").TemplateMinerConfig()
    miner = import_module("drain3").TemplateMiner(config=config)
    return tuple(str(miner.add_log_message(text)["cluster_id"]) for text in messages)


def _runs(find: Callable[[Sequence[str]], object], errors: Generated) -> Callable[[int], object]:
    return lambda _: find(errors.messages)


def _traced(errors: Generated) -> Generated:
    """Put a traceback before some of the errors."""
    messages = tuple(
        _TRACEBACK + text if place % _TRACED == 0 else text
        for place, text in enumerate(errors.messages)
    )
    return Generated(messages, errors.truth)
