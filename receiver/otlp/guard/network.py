"""Turn a peer's address into what stands for it where peers are bounded."""

from ipaddress import IPv6Address, IPv6Network


def network_of(peer: str) -> str:
    """Give the peer itself, or the /64 that an IPv6 address of the Internet is one of.

    Whoever has one such address has 2^64 of them (RFC 4291, section 2.5.4), and would have as
    many shares.
    """
    if ":" not in peer:
        return peer
    try:
        address = IPv6Address(peer)
    except ValueError:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_loopback or address.is_link_local:
        return peer
    return str(IPv6Network((int(address) >> 64 << 64, 64)))
