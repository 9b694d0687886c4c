"""Turn the captured request bodies beside this module into requests."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agentpond.pipeline.core.signal import Encoding, Request, Signal

HERE = Path(__file__).parent
RECEIVED_AT_NS = 1_795_200_000_000_000_000


@dataclass(frozen=True)
class Capture:
    """What one run of an agent sent over one protocol."""

    directory: Path

    @property
    def name(self) -> str:
        return str(self.directory.relative_to(HERE))

    @property
    def agent(self) -> str:
        return self.directory.parts[-3]

    @property
    def scenario(self) -> str:
        return self.directory.parts[-2]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What ``capture.json`` tells: the requests, and what the program said of its run."""
        facts: dict[str, Any] = json.loads((self.directory / "capture.json").read_text())
        return facts

    def requests(self, *signals: Signal) -> list[Request]:
        """Give the requests in order of arrival, of some signals or of all."""
        return [
            self._request(told)
            for told in self.facts["requests"]
            if not signals or told["signal"] in signals
        ]

    def bodies(self, signal: Signal) -> list[bytes]:
        """Give the messages of one signal, inflated."""
        return [request.body for request in self.requests(signal)]

    @property
    def encoding(self) -> Encoding:
        json_sent = self.directory.name == "http-json"
        return Encoding.JSON if json_sent else Encoding.PROTOBUF

    def _request(self, told: dict[str, Any]) -> Request:
        body = gzip.decompress((self.directory / f"{told['file']}.gz").read_bytes())
        if told["content_encoding"] == "gzip":
            body = gzip.decompress(body)
        return Request(Signal(told["signal"]), self.encoding, body, RECEIVED_AT_NS, "otlp")


def captures(*patterns: str) -> Sequence[Capture]:
    """Find captures by ``agent/scenario/protocol``, with wildcards; all of them without."""
    found = {
        path.parent
        for pattern in patterns or ("*/*/*",)
        for path in HERE.glob(f"{pattern}/capture.json")
    }
    return [Capture(directory) for directory in sorted(found)]
