"""The options of `service.memory_limiter`, and the limits they come to."""

from collections.abc import Callable
from typing import Any

import pytest

from agentpond.config.build import assemble, memory_limits, plan
from agentpond.config.check import Plan
from agentpond.config.model import MemoryLimiterConfig
from agentpond.pipeline.core.errors import Retryable

GIB = 1 << 30
MIB = 1 << 20

TEXT = """
receivers: {otlp: }
exporters: {store: {path: x}}
service:
  memory_limiter: OPTIONS
  pipelines: {all: {receivers: [otlp], exporters: [store]}}
"""


@pytest.mark.parametrize(
    ("options", "soft_bytes", "hard_bytes"),
    [
        ({"limit_mib": 1000}, 800 * MIB, 1000 * MIB),
        ({"limit_mib": 1000, "spike_limit_mib": 100}, 900 * MIB, 1000 * MIB),
        ({"limit_percentage": 50}, 8 * GIB // 5, 2 * GIB),
        ({"limit_percentage": 50, "spike_limit_percentage": 25}, GIB, 2 * GIB),
        ({"limit_percentage": 50, "limit_mib": 1000}, 800 * MIB, 1000 * MIB),
    ],
)
def test_the_options_mean_what_they_mean_in_a_collector(
    options: dict[str, int], soft_bytes: int, hard_bytes: int
) -> None:
    limits = memory_limits(MemoryLimiterConfig.model_validate(options), 4 * GIB)

    assert limits.hard_bytes == hard_bytes
    assert abs(limits.soft_bytes - soft_bytes) <= 8


def test_with_nothing_said_a_fifth_of_the_memory_is_left_to_others() -> None:
    limits = memory_limits(MemoryLimiterConfig(), 10 * GIB)

    assert limits.hard_bytes == 8 * GIB
    assert limits.setting == "service.memory_limiter.limit_percentage: 80, of 10240 MiB"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "{limit_mib: 100, spike_limit_mib: 100}",
            (
                "spike_limit_mib (100) is not less than limit_mib (100): every request would be "
                "refused. Lower the one or raise the other."
            ),
        ),
        (
            "{spike_limit_percentage: 90}",
            (
                "spike_limit_percentage (90) is not less than limit_percentage (80): every request "
                "would be refused. Lower the one or raise the other."
            ),
        ),
    ],
)
def test_limits_under_which_nothing_is_taken_are_a_mistake(
    problems: Callable[[str], list[str]], options: str, expected: str
) -> None:
    (problem,) = problems(TEXT.replace("OPTIONS", options))

    assert problem == f"a.yaml:5:19: service.memory_limiter: {expected}"


def test_null_turns_it_off(check_text: Callable[[str], Plan]) -> None:
    checked = check_text(TEXT.replace("OPTIONS", "null"))

    assert checked.service.memory_limiter is None


def configuration(limiter: Any) -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {}}},
        "exporters": {"console": None},
        "service": {
            "memory_limiter": limiter,
            "log": {"kind": "memory"},
            "telemetry": None,
            "pipelines": {"all": {"receivers": ["otlp"], "exporters": ["console"]}},
        },
    }


def test_every_component_can_ask_for_memory() -> None:
    service = assemble(plan(configuration({"limit_mib": 1})))

    receiver: Any = service.receivers["otlp"]

    with pytest.raises(Retryable, match=r"service\.memory_limiter\.limit_mib: 1\)"):
        receiver._settings.require_memory()


def test_without_a_limiter_there_is_always_memory() -> None:
    service = assemble(plan(configuration(None)))

    receiver: Any = service.receivers["otlp"]
    receiver._settings.require_memory()

    assert service.memory is None
