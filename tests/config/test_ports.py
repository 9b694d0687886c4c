"""Ports that are taken are all found before anything is opened."""

import socket

from agentpond.config.ports import Door, taken


def test_every_door_that_is_taken_is_found() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        doors = [
            Door((name,), f"127.0.0.1:{server.getsockname()[1]}")
            for name, server in (("first", first), ("second", second))
        ]

        found = [door for door, _ in taken(doors)]

    assert found == doors


def test_a_door_that_was_found_free_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    found = list(taken([Door(("a",), f"127.0.0.1:{port}")]))

    assert found == []
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_any_free_port_is_never_taken() -> None:
    found = list(taken([Door(("a",), "127.0.0.1:0")]))

    assert found == []
