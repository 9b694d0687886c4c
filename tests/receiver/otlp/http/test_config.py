"""What a user writes under ``protocols.http``, in our words and in the Collector's."""

from typing import Any

import pytest
from pydantic import ValidationError

from agentpond.receiver.otlp.http import HttpConfig


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"max_request_body_size": 4096}, {"max_request_bytes": 4096}),
        ({"read_timeout": "30s"}, {"read_timeout_s": 30.0}),
        ({"read_header_timeout": "1m30s"}, {"header_timeout_s": 90.0}),
        ({"idle_timeout": "500ms"}, {"idle_timeout_s": 0.5}),
        ({"idle_timeout": 5}, {"idle_timeout_s": 5.0}),
    ],
)
def test_the_collectors_words_mean_ours(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    told = HttpConfig.model_validate(theirs)

    assert told == HttpConfig.model_validate(ours)


@pytest.mark.parametrize(
    "config",
    [
        {"read_timeout": "soon"},
        {"idle_timeout": "0s"},
        {"header_timeout_s": -1},
        {"max_header_bytes": 10},
        {"max_connections": 0},
        {"tls": {}},
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpConfig.model_validate(config)


def test_nothing_is_open_ended_by_default() -> None:
    config = HttpConfig()

    assert (config.max_header_bytes, config.max_connections) == (16 * 1024, 1000)
    assert (config.header_timeout_s, config.read_timeout_s, config.idle_timeout_s) == (10, 60, 90)
