"""Say what each agent calls things.

A new dialect is one module and one line here. The last one takes whatever no other knows.
"""

from .claude_code import CLAUDE_CODE
from .codex import CODEX
from .genai import GENAI
from .rules import Dialect

DIALECTS: tuple[Dialect, ...] = (CLAUDE_CODE, CODEX, GENAI)
