"""Run the command line as ``python -m agentpond``."""

from .cli import main

main()
