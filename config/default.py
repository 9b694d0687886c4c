"""Give the configuration that a service runs on when it is told nothing."""

from importlib.resources import files

DEFAULT_NAME = "(built-in default)"


def default_text() -> str:
    """Give the text of the built-in default configuration."""
    return files(__package__).joinpath("default.yaml").read_text(encoding="utf-8")
