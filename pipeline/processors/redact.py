"""Take secrets out of every text, and content where the user does not want it kept.

Secrets are masked always. With `content: drop` whole texts go too, by default-deny: what is
not known to be harmless is content. Where a text went, its length and a keyed hash stay.
Event ids were made before and never change.
"""

import re
import secrets as entropy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, SecretStr, model_validator

from ..core.batch import Batch, Dropped
from ..core.columns import Entries, choose, entries, map_column, put
from ..core.component import Factory, Kind, Settings
from ..core.schema import EVENTS, MAP, SPAN_EVENTS, TABLES
from ..privacy.digests import DIGEST_LENGTH, digests
from ..privacy.secrets import mask, mask_named, rule, suspected, wrong

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
_SCANNED_IN = {EVENTS.name: _SCANNED, SPAN_EVENTS.name: ("name",)}
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
        fault = wrong(self.pattern)
        if fault is not None:
            msg = (
                f"pattern {self.name!r} is no regular expression of RE2's kind: {fault}. "
                f"There is no look-around and no back reference."
            )
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
        is_content = _fitting(self.config.content_attributes)
        allowed = choose(told.keys, _fitting(self.config.allow_attributes))
        left_by_us = choose(told.keys, _fitting(_OURS))
        content = pc.and_(choose(told.keys, is_content), pc.invert(pc.or_(allowed, left_by_us)))
        limit = pc.if_else(
            left_by_us, max(DIGEST_LENGTH, self.config.max_length), self.config.max_length
        )
        long = pc.fill_null(pc.greater(_length(told.values), limit), fill_value=False)
        gone = pc.or_(content, pc.and_(long, pc.invert(allowed)))
        if not gone.true_count:
            return told
        lost = told.where(gone)
        hashes = _renamed(lost, ".hash").with_values(digests(lost.values, self.key))
        lengths = _renamed(lost, ".length").with_values(_length(lost.values).cast(pa.string()))
        return _merged(told.where(pc.invert(gone)), _joined(hashes, lengths))


def _fitting(patterns: Iterable[str]) -> Callable[[str], bool]:
    # One expression for all of them: keys may be thousands, and the sender's choice.
    joined = re.compile("|".join(map(translate, patterns)) or "(?!)")
    return lambda key: joined.match(key) is not None


def _length(texts: pa.Array) -> pa.Array:
    return pc.utf8_length(texts).cast(pa.int64())


def _renamed(told: Entries, ending: str) -> Entries:
    return told.with_keys(pc.binary_join_element_wise(told.keys, ending, ""))


def _joined(first: Entries, second: Entries) -> Entries:
    rows = pa.concat_arrays([first.rows, second.rows])
    keys = pa.concat_arrays([first.keys, second.keys])
    return Entries(rows, keys, pa.concat_arrays([first.values, second.values]), first.missing)


def _merged(left: Entries, new: Entries) -> Entries:
    """Add entries in one pass; what stood in a row under one of their keys is replaced."""
    # By key, so that a row's attributes do not depend on its neighbours.
    by_key = pc.sort_indices(new.keys)
    every = _joined(left, _taken(new, by_key))
    codes = every.keys.dictionary_encode()
    place = pc.multiply(every.rows.cast(pa.int64()), len(codes.dictionary))
    place = pc.add(place, codes.indices.cast(pa.int64()))
    replaced = pc.is_in(place.slice(0, len(left)), value_set=place.slice(len(left)))
    added = pa.repeat(pa.scalar(value=True), len(new))
    kept = every.where(pa.concat_arrays([pc.invert(replaced), added]))
    # sort_indices is stable, so a row's older entries stay in front.
    return _taken(kept, pc.sort_indices(kept.rows))


def _taken(told: Entries, order: pa.Array) -> Entries:
    rows, keys = told.rows.take(order), told.keys.take(order)
    return Entries(rows, keys, told.values.take(order), told.missing)


def _texts(batch: Batch) -> dict[str, pa.Array]:
    """Give the columns of free text that hold any text at all."""
    scanned = _SCANNED_IN.get(batch.table.name, ())
    columns = {name: batch.records.column(name) for name in scanned}
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
