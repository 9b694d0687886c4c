"""What stands for a sender where senders are bounded."""

import pytest

from agentpond.receiver.otlp.guard.network import network_of


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("unix", "unix"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_a_peer_is_its_address_and_for_ipv6_its_network(peer: str, name: str) -> None:
    assert network_of(peer) == name
