"""Make `reviews`: have a language model review sessions. Off by default; the one that does I/O."""

from .config import Config
from .processor import factory

__all__ = ["Config", "factory"]
