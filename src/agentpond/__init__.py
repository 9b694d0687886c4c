"""Receive the telemetry of coding agents and keep it as normalised events.

    service = agentpond.build("agentpond.yaml")
    async with service:
        ...

All else that an embedder needs is named here; what is not named here may change.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from .config.build import build as build
    from .config.function import function_processor as function_processor
    from .config.model import Config as Config
    from .pipeline.core.batch import Batch as Batch
    from .pipeline.core.batch import Delivery as Delivery
    from .pipeline.core.batch import Dropped as Dropped
    from .pipeline.core.batch import Table as Table
    from .pipeline.core.component import Factory as Factory
    from .pipeline.core.component import Kind as Kind
    from .pipeline.core.component import Settings as Settings
    from .pipeline.core.errors import ConfigError as ConfigError
    from .pipeline.core.errors import Permanent as Permanent
    from .pipeline.core.errors import Retryable as Retryable
    from .pipeline.core.sessions import Again as Again
    from .pipeline.core.sessions import Cadence as Cadence
    from .pipeline.core.sessions import Need as Need
    from .pipeline.core.sessions import Of as Of
    from .pipeline.core.sessions import Sessions as Sessions
    from .pipeline.core.signal import Accepted as Accepted
    from .pipeline.core.signal import Encoding as Encoding
    from .pipeline.core.signal import Identity as Identity
    from .pipeline.core.signal import Request as Request
    from .pipeline.core.signal import Signal as Signal
    from .pipeline.engine.service import Service as Service

# Where each name lives. They are loaded when first used, so that `import agentpond` and
# `agentpond --help` do not wait for pyarrow, grpc and DuckDB (PEP 562).
_HOMES = {
    "Accepted": ".pipeline.core.signal",
    "Again": ".pipeline.core.sessions",
    "Batch": ".pipeline.core.batch",
    "Cadence": ".pipeline.core.sessions",
    "Config": ".config.model",
    "ConfigError": ".pipeline.core.errors",
    "Delivery": ".pipeline.core.batch",
    "Dropped": ".pipeline.core.batch",
    "Encoding": ".pipeline.core.signal",
    "Factory": ".pipeline.core.component",
    "Identity": ".pipeline.core.signal",
    "Kind": ".pipeline.core.component",
    "Need": ".pipeline.core.sessions",
    "Of": ".pipeline.core.sessions",
    "Permanent": ".pipeline.core.errors",
    "Request": ".pipeline.core.signal",
    "Retryable": ".pipeline.core.errors",
    "Service": ".pipeline.engine.service",
    "Sessions": ".pipeline.core.sessions",
    "Settings": ".pipeline.core.component",
    "Signal": ".pipeline.core.signal",
    "Table": ".pipeline.core.batch",
    "build": ".config.build",
    "function_processor": ".config.function",
}

__all__ = [
    "Accepted",
    "Again",
    "Batch",
    "Cadence",
    "Config",
    "ConfigError",
    "Delivery",
    "Dropped",
    "Encoding",
    "Factory",
    "Identity",
    "Kind",
    "Need",
    "Of",
    "Permanent",
    "Request",
    "Retryable",
    "Service",
    "Sessions",
    "Settings",
    "Signal",
    "Table",
    "__version__",
    "build",
    "function_processor",
]


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first used."""
    if name == "__version__":
        return version(__name__)
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    """Name what the face shows."""
    return [*globals(), *__all__]
