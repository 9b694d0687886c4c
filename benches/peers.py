"""Run rotel, a collector written in Rust, where it can be had: the measure for the whole walk.

It is no dependency of ours. It is installed into an environment of its own that can be deleted.
"""

import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .server import Server, free_port, running

# The version that the figures in README.md were taken with; it has only pre-releases.
_ROTEL = "rotel==0.0.1a15"
_HOME = Path(__file__).parent.parent / ".venv-peers"
_INSTALL_S = 120


def rotel_program() -> Path | None:
    """Give rotel's program, installed now if need be; None if it is not to be had here."""
    found = _find()
    if found is None:
        venv.create(_HOME, with_pip=True)
        (_HOME / ".gitignore").write_text("*\n")
        pip = [str(_HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([*pip, "--pre", _ROTEL], check=True, timeout=_INSTALL_S)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"rotel: not had ({error})", file=sys.stderr)
        found = _find()
    return found


def _find() -> Path | None:
    return next(_HOME.glob("lib/python*/site-packages/rotel/rotel-agent"), None)


@contextmanager
def rotel(program: Path, directory: Path) -> Iterator[Server]:
    """Run rotel with its blackhole exporter: it decodes, batches and throws away."""
    grpc_port, http_port = free_port(), free_port()
    line = [str(program), "start", "--exporter", "blackhole"]
    line += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc_port}"]
    line += ["--otlp-http-endpoint", f"127.0.0.1:{http_port}"]
    line += ["--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")]
    with running(line, grpc_port) as process:
        yield Server(process, grpc_port, http_port)
