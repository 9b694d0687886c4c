"""A port that is taken has a holder."""

import os
import socket
import sys

import pytest

from agentpond.cli.holders import holder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_the_process_that_listens_is_named(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no such address")
        listening.listen()
        port = listening.getsockname()[1]

        name = holder(port)

    assert name.startswith(f"process {os.getpid()} (")


def test_a_port_that_is_free_has_no_holder() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        name = holder(bound.getsockname()[1])

    assert name == ""
