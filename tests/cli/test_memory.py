"""See that the command line's process hands free memory back."""

import subprocess
import sys

ASK = """
import pyarrow
from agentpond.cli.memory import keep_little
keep_little()
print(pyarrow.default_memory_pool().backend_name)
"""


def test_arrow_uses_the_systems_allocator_in_the_command_lines_process() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)

    assert done.stdout == "system\n"
