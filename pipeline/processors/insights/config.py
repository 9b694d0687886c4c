"""Say what a user can set about the rules: a threshold for each, and which are off."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ...durations import Duration
from ...session.cadence import FindingConfig

Kind = Literal[
    "error_density",
    "errors_after_edits",
    "break_fix_loop",
    "repeated_failure",
    "retries",
    "rate_limits",
    "stalled_turn",
    "abandoned_turn",
    "unanswered_prompt",
    "cost_outlier",
    "cache_expired",
    "context_rebuilt",
    "denied_tools",
    "unpriced_model",
    "missing_signals",
]
"""The rules; also the kinds of insights."""

_Count = Annotated[int, Field(ge=1)]


class Config(FindingConfig):
    """Find what went wrong in sessions, what it cost and what would mend it, by rules."""

    off: tuple[Kind, ...] = ()
    """Rules that are not to run."""

    density_errors: _Count = 25
    """`error_density`: more errors than that among `density_events` events in a row."""

    density_events: _Count = 100
    """`error_density`: how many events in a row are looked at."""

    edit_errors: _Count = 3
    """`errors_after_edits`: at least so many errors about files that the agent had edited."""

    loop_failures: Annotated[int, Field(ge=2)] = 3
    """`break_fix_loop`: at least so many failing test runs, with an edit before each."""

    repeated_failures: Annotated[int, Field(ge=2)] = 3
    """`repeated_failure`: at least so many failures in a row of the same command or tool input."""

    polling_tools: tuple[str, ...] = (
        *("wait_agent", "write_stdin", "wait", "list_agents"),
        *("BashOutput", "TaskOutput", "AgentOutputTool", "Monitor", "Sleep"),
    )
    """`repeated_failure`: tools that are called again and again by their nature."""

    polling_commands: tuple[str, ...] = (
        *("sleep", "watch", "wait", "gh pr checks", "gh run watch", "gh run view"),
        *("kubectl get", "kubectl wait", "kubectl rollout status", "docker ps", "docker logs"),
    )
    """`repeated_failure`: programs, and what stands in commands, that are run again and again by
    their nature."""

    retries: _Count = 3
    """`retries`: at least so many API calls that failed, but for rate limits."""

    rate_limits: _Count = 1
    """`rate_limits`: at least so many API calls that were refused for rate or overload."""

    stalled_turns: _Count = 1
    """`stalled_turn`: at least so many in a session; after what silence a turn is one is for
    `turns` to say (`stalled_after`)."""

    abandoned_turns: _Count = 1
    """`abandoned_turn`: at least so many in a session."""

    unanswered_prompts: _Count = 1
    """`unanswered_prompt`: at least so many in a session."""

    cost_spread: Annotated[float, Field(gt=0)] = 5.0
    """`cost_outlier`: dearer than the median of earlier sessions by more than so many times
    their spread (the median distance from the median, as a standard deviation)."""

    cost_sessions: Annotated[int, Field(ge=3, le=50)] = 8
    """`cost_outlier`: at least so many earlier sessions of the repository, else of the user; the
    last 50 count."""

    cost_least_usd: Annotated[float, Field(ge=0)] = 0.1
    """`cost_outlier`: cheaper sessions are never told of."""

    cache_idle: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=5)
    """`cache_expired`: a pause between API calls after which a cache may be gone."""

    cache_tokens: _Count = 5_000
    """`cache_expired`: at least so many tokens that were in the cache and had to be paid again."""

    compactions: _Count = 1
    """`context_rebuilt`: at least so many in a session."""

    unpriced_calls: _Count = 1
    """`unpriced_model`: at least so many API calls of a model in a session."""

    denials: _Count = 1
    """`denied_tools`: at least so many uses of a tool that were not allowed."""

    capture_least: Annotated[float, Field(gt=0, le=1)] = 0.95
    """`missing_signals`: less than that share of what the agent says it sent."""

    prices: Path | None = None
    """A TOML file of your own prices, as `ledger` has it: what lost caches cost is priced by it."""

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        """Refuse a density that nothing can have."""
        if self.density_errors >= self.density_events:
            msg = (
                "`density_errors` is not less than `density_events`: nothing would be found. Give "
                "a lower one, or name `error_density` under `off`."
            )
            raise ValueError(msg)
        return self
