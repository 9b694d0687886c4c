"""Name the errors that may cross a component's edge, and whose fault they are."""

from dataclasses import dataclass


class AgentpondError(Exception):
    """The root of all errors this library raises on purpose."""


class Retryable(AgentpondError):
    """A passing trouble of ours: the same call may succeed after ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0, reason: str = "busy") -> None:
        """Say what is in the way, when to try again, and the word it is counted under."""
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.reason = reason


class Permanent(AgentpondError):
    """A trouble that stays: the same call will fail again, so do not repeat it.

    ``reason`` is the short word it is counted under (``invalid_protobuf``, ``too_large``).
    """

    def __init__(self, message: str, *, reason: str) -> None:
        """Say what is wrong and what to do instead, and the word it is counted under."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration: where it is, what it is, and what to write instead.

    ``path`` is the key path (``receivers.otlp.protocols``); ``line`` and ``column`` count
    from 1 and are None where the configuration did not come from a file.
    """

    path: str
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Put the problem in one line, in the form editors can jump to."""
        numbers = ":".join(str(n) for n in (self.line, self.column) if n is not None)
        place = ":".join(part for part in (self.file or "", numbers) if part)
        sentence = " ".join(part for part in (self.message, self.hint) if part)
        return ": ".join(part for part in (place, self.path, sentence) if part)


class ConfigError(AgentpondError):
    """The configuration cannot be used; raised only before start, with all problems at once."""

    def __init__(self, *problems: Problem) -> None:
        """Collect every problem that was found."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
