"""Make `sessions`: who ran an agent where, how it goes, what came of it and what it cost."""

from .processor import Config, factory

__all__ = ["Config", "factory"]
