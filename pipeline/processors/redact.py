"""Take secrets out of every text, and content where the user does not want it kept.

Secrets are masked always. With `content: drop` whole texts go too, by default-deny: what is
not known to be harmless is content. Where a text went, its length and a keyed hash stay.
Event ids were made before and never change.
"""

import secrets as entropy
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, SecretStr, model_validator

from ..core.batch import Batch, Dropped
from ..core.columns import Entries, choose, entries, map_column, put
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS, MAP, TABLES
from ..privacy.digests import DIGEST_LENGTH, digests
from ..privacy.secrets import mask, mask_named, rule, suspected, usable

# Ids and words from short lists hold no free text, and are not scanned.
_NO_FREE_TEXT = (
    *("source", "signal", "agent", "agent_version", "scope", "event_type", "session_id"),
    *("parent_session_id", "turn_id", "trace_id", "span_id", "parent_span_id", "request_id"),
    *("tool_call_id", "subagent_id", "user_id", "organization_id", "provider", "model"),
    *("decision", "decision_source", "cost_status", "unit", "temporality", "effort", "speed"),
    *("terminal",),
)
# Texts that are seldom alike.
_MANIFOLD = ("content", "tool_input", "error_message")
_TEXTS = tuple(field.name for field in EVENTS.schema if field.type == pa.string())
_SCANNED = tuple(name for name in _TEXTS if name not in _NO_FREE_TEXT)
_MAPS = {
    table.name: tuple(field.name for field in table.schema if field.type == MAP)
    for table in TABLES.values()
}

CONTENT_KEYS = (
    *("prompt", "user_prompt", "system_prompt", "system_prompt_preview", "new_context", "response"),
    *("response.*", "model_output", "body", "content", "message", "text", "rationale", "summary"),
    *("arguments", "output", "tool_input", "tool.input", "tool_output", "tool.output", "result"),
    *("tool_result", "tool_parameters", "full_command", "bash_command", "command", "diff"),
    *("old_string", "new_string", "error", "error.message", "error.stack", "exception.message"),
    *("exception.stacktrace", "gen_ai.prompt*", "gen_ai.completion*", "gen_ai.input.messages"),
    *("gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
    *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.description"),
    *("input.value", "output.value", "llm.prompts*", "llm.completions*", "traceloop.entity.*"),
)
"""Attribute keys (as patterns) that are known to hold content."""

# What a text that went has left; no longer than a hash is.
_OURS = ("*.hash", "*.length")


class Pattern(BaseModel):
    """A text to mask wherever it occurs, as a regular expression in RE2's dialect."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    pattern: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not usable(self.pattern):
            msg = f"pattern {self.name!r} is not a regular expression RE2 takes (no look-around)."
            raise ValueError(msg)
        return self


class Config(BaseModel):
    """Mask secrets in every text, and drop content where it is not to be kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    content: Literal["keep", "drop"] = "keep"
    """`drop` removes prompts, responses, tool inputs and outputs, leaving length and hash."""

    columns: tuple[str, ...] = ("content", "tool_input", "error_message")
    """The columns of `events` that `content: drop` empties."""

    content_attributes: tuple[str, ...] = CONTENT_KEYS
    """The attributes that `content: drop` removes whatever their length (`*` and `?` work)."""

    allow_attributes: tuple[str, ...] = ()
    """The attributes that `content: drop` keeps whatever their length (`*` and `?` work)."""

    max_length: NonNegativeInt = 64
    """With `content: drop`, the length in characters from which an attribute nobody knows is
    content; 0 removes all that `allow_attributes` does not name."""

    patterns: tuple[Pattern, ...] = ()
    """Texts of your own to mask, besides the secrets that always are."""

    key: SecretStr | None = None
    """The key of the hashes, best as `${env:NAME}`. Without one each start makes its own, and
    equal texts can be told only as long as the service runs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.columns:
            if name not in _SCANNED:
                msg = f"`events` has no column {name!r} of free text. Known: {', '.join(_SCANNED)}."
                raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class Redact:
    """Masks secrets and drops content.

    The key comes from outside, so the same input gives the same output.
    """

    config: Config
    key: bytes
    scope: Literal["batch"] = "batch"

    def process(self, batch: Batch) -> Iterable[Batch | Dropped]:
        """Give the same rows without secrets, and without content if so configured."""
        if batch.table.name not in _MAPS:
            yield batch
            return
        if self.config.content == "drop":
            batch = self._without_content(batch)
        yield self._masked(batch)

    def _masked(self, batch: Batch) -> Batch:
        """Mask what holds a secret; all else stays the very arrays it was."""
        texts = _texts(batch)
        maps = {name: entries(batch.records.column(name)) for name in _MAPS[batch.table.name]}
        columns = [_different(name, column) for name, column in texts.items()]
        columns += [told.values for told in maps.values()]
        suspects = dict(zip([*texts, *maps], suspected(columns), strict=True))
        for name, column in texts.items():
            masked = self._mask(column, suspect=suspects[name])
            if masked is not column:
                batch = _replace(batch, name, masked)
        for name, told in maps.items():
            masked = self._mask(mask_named(told), suspect=suspects[name])
            if masked is not told.values:
                batch = batch.with_column(name, map_column(told.with_values(masked)))
        return batch

    def _mask(self, texts: pa.Array, *, suspect: bool) -> pa.Array:
        masked = mask(texts) if suspect else texts
        own = [rule(each.name, each.pattern) for each in self.config.patterns]
        return mask(masked, own, hint=None) if own else masked

    def _without_content(self, batch: Batch) -> Batch:
        texts = _texts(batch)
        for name in self.config.columns:
            if name in texts:
                batch = _replace(batch, name, pa.nulls(len(batch), pa.string()))
                batch = self._remember(batch, name, texts[name])
        for name in _MAPS[batch.table.name]:
            told = entries(batch.records.column(name))
            left = self._without_content_entries(told)
            if left is not told:
                batch = batch.with_column(name, map_column(left))
        return batch

    def _remember(self, batch: Batch, name: str, texts: pa.Array) -> Batch:
        """Leave the hash of each text that went, and its length, in the attributes."""
        rows = pc.indices_nonzero(pc.is_valid(texts))
        gone = texts.take(rows)
        told = entries(batch.records.column("attributes"))
        told = put(told, rows, f"{name}.hash", digests(gone, self.key))
        if name != "content":
            told = put(told, rows, f"{name}.length", _length(gone))
        return batch.with_column("attributes", map_column(told))

    def _without_content_entries(self, told: Entries) -> Entries:
        content = choose(told.keys, self._is_content)
        allowed = choose(told.keys, self._is_allowed)
        left_by_us = choose(told.keys, lambda key: _fits(key, _OURS))
        limit = pc.if_else(
            left_by_us, max(DIGEST_LENGTH, self.config.max_length), self.config.max_length
        )
        long = pc.fill_null(pc.greater(_length(told.values), limit), fill_value=False)
        gone = pc.or_(content, pc.and_(long, pc.invert(allowed)))
        if not gone.true_count:
            return told
        lost = told.where(gone)
        left = told.where(pc.invert(gone))
        # Sorted, so that a row's attributes do not depend on its neighbours.
        for key in sorted(str(key) for key in pc.unique(lost.keys)):
            this = lost.where(pc.equal(lost.keys, key))
            left = put(left, this.rows, f"{key}.hash", digests(this.values, self.key))
            left = put(left, this.rows, f"{key}.length", _length(this.values))
        return left

    def _is_content(self, key: str) -> bool:
        return _fits(key, self.config.content_attributes) and not (
            self._is_allowed(key) or _fits(key, _OURS)
        )

    def _is_allowed(self, key: str) -> bool:
        return _fits(key, self.config.allow_attributes)


def _fits(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _length(texts: pa.Array) -> pa.Array:
    return pc.utf8_length(texts).cast(pa.int64())


def _texts(batch: Batch) -> dict[str, pa.Array]:
    """Give the text columns of ``events`` that hold any text at all."""
    if batch.table.name != EVENTS.name:
        return {}
    columns = {name: batch.records.column(name) for name in _SCANNED}
    return {name: column for name, column in columns.items() if column.null_count < len(column)}


def _different(name: str, column: pa.Array) -> pa.Array:
    """Give a column's different texts, where they are few: 1,000 rows name one tool or two."""
    return column if name in _MANIFOLD else pc.unique(column)


def _replace(batch: Batch, name: str, kept: pa.Array) -> Batch:
    """Replace a column; where that changes a content, the length it had is noted."""
    if name == "content":
        told, texts = batch.records.column("content_length"), batch.records.column("content")
        same = pc.fill_null(pc.equal(kept, texts), fill_value=False)
        length = pc.if_else(same, told, pc.coalesce(told, _length(texts)))
        batch = batch.with_column("content_length", length)
    return batch.with_column(name, kept)


def _build(config: Config, settings: Settings) -> Redact:  # noqa: ARG001
    # Randomness is had here, at the rim; the processor itself stays pure.
    told = config.key.get_secret_value().encode() if config.key else b""
    return Redact(config, told or entropy.token_bytes(32))


factory = Factory(Kind.PROCESSOR, "redact", Config, _build)
