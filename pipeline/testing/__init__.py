"""Turn a component of anybody's into a verdict: contract checks, fakes and builders.

Shipped, for whoever writes a component. `docs/contract.md` says what must hold; each of its
sentences names the check here.
"""

from .builders import batch, delivery, events, sample_events, sample_sessions, settings
from .checks import check_exporter, check_factory, check_processor, check_receiver
from .fakes import FailingExporter, FakeClock, MemoryExporter
from .verdict import ContractBroken

__all__ = [
    "ContractBroken",
    "FailingExporter",
    "FakeClock",
    "MemoryExporter",
    "batch",
    "check_exporter",
    "check_factory",
    "check_processor",
    "check_receiver",
    "delivery",
    "events",
    "sample_events",
    "sample_sessions",
    "settings",
]
