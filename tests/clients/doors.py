"""Open every kind of door in one service, and say how a client is told to use each."""

import json
from collections.abc import Mapping
from pathlib import Path

import trustme

from ..walk.served import Served
from .clients import Variant

TOKEN = "correct-horse-battery-staple"  # noqa: S105 - of this test alone
PROTOCOLS = {"grpc": "grpc", "protobuf": "http", "json": "http"}
ANY_PORT = "127.0.0.1:0"
DOORS = ("plain", "tls", "mutual", "token")

# The Python exporters count in seconds, those for JavaScript in milliseconds: both wait long
# enough for a service that starts anew.
PATIENCE = {"python": "30", "node": "30000"}


class Doors:
    """One service with a plain door, one with TLS, one for client certificates, one for tokens."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._endpoints: Mapping[str, str] = {}
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(home / "ca.pem"))
        for name in ("server", "client"):
            issued = authority.issue_cert("localhost", "127.0.0.1")
            issued.private_key_pem.write_to_path(str(home / f"{name}.key"))
            issued.cert_chain_pems[0].write_to_path(str(home / f"{name}.pem"))

    def open(self) -> Served:
        """Start the service; every time but the first on the same ports as before."""
        service = Served(self.home, json.dumps(self._config()))  # JSON is YAML.
        self._endpoints = service.addresses
        return service

    def variants(self, language: str, protocols: tuple[str, ...]) -> list[Variant]:
        """Give all ways for a client to send: every protocol, door and compression."""
        return [
            Variant(
                f"{protocol} {door} {compression}",
                protocol,
                self._environment(language, protocol, door, compression),
            )
            for protocol in protocols
            for door in DOORS
            for compression in ("none", "gzip")
        ]

    def stranger(self, language: str, protocol: str) -> Variant:
        """Give a way to send without the token that is asked for."""
        environment = self._environment(language, protocol, "token", "none")
        del environment["OTEL_EXPORTER_OTLP_HEADERS"]
        return Variant(f"{protocol} stranger", protocol, environment)

    def astray(self, language: str, protocol: str) -> Variant:
        """Give a way to send to the port of the other protocol."""
        environment = self._environment(language, protocol, "plain", "none")
        other = "http" if PROTOCOLS[protocol] == "grpc" else "grpc"
        port = self._endpoints[f"otlp {other}"].rpartition(":")[2]
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://localhost:{port}"
        return Variant(f"{protocol} astray", protocol, environment)

    def _environment(
        self, language: str, protocol: str, door: str, compression: str
    ) -> dict[str, str]:
        receiver = "otlp" if door == "plain" else f"otlp/{door}"
        port = self._endpoints[f"{receiver} {PROTOCOLS[protocol]}"].rpartition(":")[2]
        scheme = "https" if door in {"tls", "mutual"} else "http"
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://localhost:{port}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": PATIENCE[language],
            # What Claude Code and Codex use.
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
            # The Python exporter over gRPC does not know the word "none".
            **({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} if compression == "gzip" else {}),
            **self._secrets(door),
        }

    def _secrets(self, door: str) -> dict[str, str]:
        if door == "token":
            return {"OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{TOKEN}"}
        if door == "plain":
            return {}
        trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(self.home / "ca.pem")}
        if door == "tls":
            return trusted
        return {
            **trusted,
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(self.home / "client.pem"),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(self.home / "client.key"),
        }

    def _config(self) -> dict[str, object]:
        return {
            "receivers": self._receivers(),
            "exporters": {"duckdb": {"path": str(self.home / "agentpond.duckdb")}},
            "service": {
                "state_directory": str(self.home / "state"),
                "log": {"directory": str(self.home / "state" / "log")},
                "telemetry": {"endpoint": ANY_PORT},
                "pipelines": {
                    "agents": {"receivers": list(self._receivers()), "exporters": ["duckdb"]}
                },
            },
        }

    def _receivers(self) -> dict[str, object]:
        tls = {
            "cert_file": str(self.home / "server.pem"),
            "key_file": str(self.home / "server.key"),
        }
        mutual = {**tls, "client_ca_file": str(self.home / "ca.pem")}
        auth = {"tokens": [{"token": TOKEN, "user_id": "ada"}]}
        return {
            "otlp": {"protocols": self._protocols("otlp")},
            "otlp/tls": {"protocols": self._protocols("otlp/tls", tls=tls)},
            "otlp/mutual": {"protocols": self._protocols("otlp/mutual", tls=mutual)},
            "otlp/token": {"protocols": self._protocols("otlp/token"), "auth": auth},
        }

    def _protocols(self, receiver: str, **more: object) -> dict[str, object]:
        return {
            protocol: {"endpoint": self._endpoints.get(f"{receiver} {protocol}", ANY_PORT), **more}
            for protocol in ("grpc", "http")
        }
