"""Tell prompts that a human gave from those that agents make up."""

import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import any_of

_MADE_UP = (
    # A background task that is over: reference of Claude Code, section 6, `user_prompt`.
    "<task-notification>",
    # A guardian's and a title helper's: reference of Codex, section 5, `codex.user_prompt`.
    "The following is the Codex agent history",
    "Generate a concise, single-line task title",
)
"""How prompts begin that no human gave."""


def made_up(prompts: pa.StringArray) -> pa.BooleanArray:
    """Tell which prompts no human gave; false where the text is not told."""
    return any_of((pc.starts_with(prompts, pattern) for pattern in _MADE_UP), len(prompts))
