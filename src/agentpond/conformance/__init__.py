"""Hold any OTLP receiver against the rules of OTLP, from outside.

A stranger to the rest of agentpond: it knows a receiver only by what it answers.
"""

from .model import Outcome, Result, Signal, Wanted
from .preflight import Unreachable
from .rules import RULES
from .suite import Suite, run
from .target import Target, Tls, UsageError, targets

__all__ = [
    "RULES",
    "Outcome",
    "Result",
    "Signal",
    "Suite",
    "Target",
    "Tls",
    "Unreachable",
    "UsageError",
    "Wanted",
    "run",
    "targets",
]
