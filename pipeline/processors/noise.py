"""Leave out the inner workings that agents tell of: a Codex turn of 30 rows needs no 700 more.

What counts as noise are the tables below, by name, as Codex 0.169 sends them, and spans that
tell nothing but which line of Codex ran; all else stays, however odd. A row that tells of
usage, a tool, an error or a cost is never noise, whatever its name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..core.batch import Batch, Dropped
from ..core.columns import Entries, any_of, choose, entries
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS

Noise = Literal[
    "stream_chunk",
    "codex_startup",
    "codex_internal_log",
    "codex_internal_span",
    "codex_internal_metric",
]
"""The kinds of noise; also the reasons they are counted under."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of spans or metrics: exact ones, and beginnings but for some exceptions."""

    exact: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    but: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Tell whether a name is among them."""
        return name in self.exact or (name.startswith(self.beginnings) and name not in self.but)


SPANS = Names(
    exact=frozenset(
        (
            # A stream's events and what is written down of them: one span each, thousands.
            *("append_items", "persist_rollout_items", "receiving", "handle_responses"),
            *("send_raw_response_items", "record_conversation_items", "drain_in_flight"),
            *("flush_assistant_text_segments_all", "flush_assistant_text_segments_for_item"),
            *("session.flush_rollout", "realtime_conversation.running_state"),
            # What the prompt is put together from, again for each request.
            *("auth", "get_model_info", "environments.snapshot", "plugins_for_config"),
            *("render_available_skills", "recommended_plugins_mode_for_config", "build_prompt"),
            *("recommended_plugin_candidates_for_config", "world_state.build", "get_or_build"),
            *("instructions.load", "agents_md.refresh", "agents_md.discover", "agents_md.load"),
            *("capability_roots.resolve", "capability_roots.snapshot_for_step"),
            *("step_context.capture", "turn_context.make", "turn_context.build"),
            *("skills.executor.refresh_executor_catalog", "skills.shadow_selection.rank"),
            *("skills_for_config", "load_skill_prompts", "build_skills_and_plugins"),
            *("build_skill_outcome", "collect_explicit_skill_mentions"),
            *("build_extension_turn_input_items", "merge_connector_selection"),
            *("prepare_tool_recommendations", "track_turn_resolved_config_analytics"),
            *("set_previous_turn_settings", "turn_diff_display_roots"),
            *("record_context_updates_and_set_reference_context_item",),
            *("run_turn.collect_post_sampling_state", "run_turn.prepare_sampling_request_input"),
            # The list of tools.
            *("build_tool_call", "build_tool_router", "built_tools", "finalize_tool_router"),
            *("built_tools.load_discoverable_tools", "add_shell_tools", "add_core_tool_sources"),
            *("add_mcp_resource_tools", "add_core_utility_tools", "add_collaboration_tools"),
            *("append_mcp_tools", "append_dynamic_tool_runtimes", "append_tool_search_executor"),
            *("extension_tool_executors", "hosted_model_tool_specs", "merge_into_namespaces"),
            *("build_model_visible_specs", "list_tool_suggest_discoverable_plugins"),
            *("list_tool_suggest_discoverable_tools_with_auth", "fetch_recommended_plugins"),
            *("tool_dispatch.parallel_lock", "tool_dispatch.exclusive_lock"),
            # What is loaded when a process or a thread starts.
            *("load", "new", "load_with_cli_overrides", "load_plugins_from_layer_stack"),
            *("list_models", "get_default_model", "make_rmcp_client", "start_server_task"),
            *("serve_inner", "transport_worker", "app_server.serialized_request_queue"),
            *("load_cached_connector_runtime_for_identity", "load_cached_codex_apps_server_info"),
            *("list_tools_with_connector_ids", "list_tools_for_client_uncached"),
            *("shell_snapshot",),
            *("environments.resolve", "environments.wait_until_ready"),
            *("exec_server.environment.wait_until_ready",),
        )
    ),
    beginnings=("fs.", "mcp.runtime.", "mcp.runtime_config.", "session_init.", "startup_prewarm."),
)
# Their name alone tells something, or they lead from a call or a command up to the span that
# names its model, its tool or its turn.
SPEAKING = Names(
    exact=frozenset(
        (
            *("receiving_stream", "stream_request", "dispatch_tool_call_with_state"),
            *("handle_response_stream_error", "decide_request", "guardian_review"),
        )
    ),
    beginnings=("session_task.", "unified_exec.", "code_mode."),
)
METRICS = Names(
    beginnings=(
        *("codex.sqlite.", "codex.skills.", "codex.thread.", "codex.thread_history."),
        *("codex.plugins.", "codex.rollout.", "codex.rollout_", "codex.auth.", "codex.auth_"),
        *("codex.sandbox_integrity.", "codex.shell_snapshot", "codex.cloud_config_bundle."),
        *("codex.startup.", "codex.startup_prewarm.", "codex.mcp.binding_catalog."),
        *("codex.mcp.protocol_discovery", "codex.mcp.tools.", "codex.remote_models."),
        *("codex.db.backfill", "codex.app_server.codex_home."),
    ),
    but=frozenset(("codex.thread.started",)),
)
STARTUP = Names(exact=frozenset(("codex.startup_phase",)))

# Log records of Codex' own modules. Older versions sent real events from these scopes too; a
# real event has a name of the form `codex.user_prompt`.
_INTERNAL_SCOPE = "codex_otel::"
_EVENT = "codex."

# A row in which one of these is told is no noise.
_TELLING = (
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("reported_cost_usd", "tool_name", "tool_call_id", "exit_code"),
    *("error_type", "error_message"),
)
# So is one of these severity (ERROR, OpenTelemetry's logs data model) or with such attributes,
# but for the words that deny an error.
_ERROR = 17
_ERROR_KEYS = frozenset(
    (
        *("error", "error_kind", "error.kind", "error.type", "error.message"),
        *("exception.type", "exception.message", "startup.status"),
    )
)
_NO_ERROR = pa.array(["", "none", "false", "ready", "success", "ok"])

# What every span of Codex has, by way of Rust's `tracing`.
_OF_EVERY_SPAN = frozenset(("busy_ns", "idle_ns", "target", "thread.id", "thread.name"))
_ALSO_OF_EVERY_SPAN = "code."
# A span in which one of these is told has more to tell than that.
_FACTS = ("session_id", "turn_id", "model", "query_source", "status_code", "mcp_server", "skill")


class Config(BaseModel):
    """Leave out what agents tell of their own inner workings, and count it by kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    keep: tuple[Noise, ...] = ()
    """The kinds of noise to keep all the same."""


@dataclass(frozen=True, slots=True)
class DropNoise:
    """Drops the rows of Codex that are noise; other agents are not touched."""

    config: Config
    scope: Literal["batch"] = "batch"

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give the rows that tell something, and how many of each kind were left out."""
        rows = batch.records
        if batch.table.name != EVENTS.name or not _codex(rows).true_count:
            yield batch
            return
        gone = []
        for kind, mask in _kinds(rows).items():
            if kind not in self.config.keep and mask.true_count:
                gone.append(mask)
                yield Dropped(EVENTS, mask.true_count, kind)
        if gone:
            batch = batch.with_records(rows.filter(pc.invert(any_of(gone, len(rows)))))
        yield batch


def _kinds(rows: pa.RecordBatch) -> Mapping[Noise, pa.Array]:
    """Mask the rows of each kind of noise; no row is of two kinds."""
    name, signal = rows.column("event_name"), rows.column("signal")
    told = entries(rows.column("attributes"))
    noisy = _all(_codex(rows), pc.invert(_telling(rows, told)))
    logs, spans, points = (
        _all(noisy, pc.equal(signal, each)) for each in ("logs", "traces", "metrics")
    )
    internal = _all(pc.starts_with(rows.column("scope"), _INTERNAL_SCOPE), pc.invert(_event(name)))
    return {
        "stream_chunk": _all(logs, pc.equal(rows.column("event_type"), "stream_chunk")),
        "codex_startup": _all(logs, choose(name, STARTUP.has)),
        "codex_internal_log": _all(logs, internal),
        "codex_internal_span": _all(spans, pc.or_(choose(name, SPANS.has), _bare(rows, told))),
        "codex_internal_metric": _all(points, choose(name, METRICS.has)),
    }


def _telling(rows: pa.RecordBatch, told: Entries) -> pa.Array:
    """Mask the rows that tell of usage, a tool, an error or a cost."""
    error = _all(choose(told.keys, _ERROR_KEYS.__contains__), pc.is_valid(told.values))
    error = _all(error, pc.invert(pc.is_in(told.values, value_set=_NO_ERROR)))
    return any_of(
        (
            *(pc.is_valid(rows.column(name)) for name in _TELLING),
            # Failed and untold are two things: only the first is telling.
            pc.invert(rows.column("success")),
            pc.greater_equal(rows.column("severity"), _ERROR),
            _in_rows(told.rows.filter(error), len(rows)),
        ),
        len(rows),
    )


def _bare(rows: pa.RecordBatch, told: Entries) -> pa.Array:
    """Mask the spans that say which line of Codex ran, how long, and nothing else."""
    ours = choose(told.keys, _of_every_span)
    more = any_of(
        (
            *(pc.is_valid(rows.column(name)) for name in _FACTS),
            choose(rows.column("event_name"), SPEAKING.has),
            _in_rows(told.rows.filter(pc.invert(ours)), len(rows)),
        ),
        len(rows),
    )
    plain = pc.equal(rows.column("event_type"), "span")
    return _all(plain, pc.invert(more), _in_rows(told.rows.filter(ours), len(rows)))


def _of_every_span(key: str) -> bool:
    return key in _OF_EVERY_SPAN or key.startswith(_ALSO_OF_EVERY_SPAN)


def _in_rows(numbers: pa.Array, rows: int) -> pa.Array:
    """Mask the rows that are among the numbers."""
    mask = np.zeros(rows, dtype=bool)
    mask[numbers.to_numpy()] = True
    return pa.array(mask)


def _event(name: pa.Array) -> pa.Array:
    return pc.fill_null(pc.starts_with(name, _EVENT), fill_value=False)


def _all(*masks: pa.Array) -> pa.Array:
    joined = masks[0]
    for mask in masks[1:]:
        joined = pc.and_kleene(joined, mask)
    return pc.fill_null(joined, fill_value=False)


def _codex(rows: pa.RecordBatch) -> pa.Array:
    return pc.equal(rows.column("agent"), "codex")


def _build(config: Config, settings: Settings) -> DropNoise:  # noqa: ARG001
    return DropNoise(config)


factory = Factory(Kind.PROCESSOR, "noise", Config, _build)
