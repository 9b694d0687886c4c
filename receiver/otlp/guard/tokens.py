"""Turn a file of tokens into who may send, and read it again when it has changed."""

import hashlib
import logging
import os
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ....pipeline.core.errors import Permanent
from ....pipeline.core.signal import Identity
from .watch import Trouble, Watch

FIELDS = ("user_id", "user_email", "organization_id", "team")
"""What may be said of a token's owner."""

_HASHED = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
_HASH_MARK = "sha256:"
_OF_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is let in, and whose it is; the token itself is not kept."""

    digest: bytes = field(repr=False)
    identity: Identity | None


def digest(secret: str) -> bytes:
    """Hash what a sender showed."""
    # What is not UTF-8 comes as surrogates from aiohttp; it is hashed like anything else.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def expected_digest(secret: str) -> bytes:
    """Hash a secret from a configuration; ``sha256:<hex>`` stands there in its place."""
    hashed = _HASHED.fullmatch(secret)
    return bytes.fromhex(hashed[1]) if hashed else digest(secret)


def why_no_secret(secret: str) -> str:
    """Say why a text cannot be a token or a password; empty if it can. Never repeats it."""
    if not secret:
        return "is empty: is the environment variable set? A secret cannot be empty."
    if secret.lower().startswith(_HASH_MARK) and not _HASHED.fullmatch(secret):
        return "begins with `sha256:` and is no SHA-256. Write its 64 hexadecimal digits there."
    return ""


def why_no_token(token: str) -> str:
    """Say why a text cannot be a bearer token; empty if it can. Never repeats it."""
    if any(char.isspace() for char in token.strip()):
        return "has a blank in it. Write the token alone, without the word `Bearer`."
    if not (token.isascii() and token.strip().isprintable()):
        return "has characters that cannot stand in an HTTP header. Choose ASCII ones."
    if "${" in token:
        return "is a variable: those are filled in where they stand in the configuration, not here."
    return why_no_secret(token.strip())


def identity_of(told: dict[str, str]) -> Identity | None:
    """Give who it is; None if nothing is said, so that records keep what they claim."""
    identity = Identity(**told)
    return None if identity == Identity() else identity


def parse(text: str, file: str) -> tuple[Token, ...]:
    """Turn lines such as ``<token> user_id=alice team="the platform"`` into tokens.

    Blank lines and what follows a ``#`` are left out; a token itself may hold one.

    Raises:
        Permanent: a line cannot be understood; it is named, and the token is not.

    """
    if not text.strip():
        # Seen in the middle of being written, it must not shut everybody out for good.
        raise _bad(file, "is empty. Write one token a line, or a # comment to let nobody in.")
    tokens: dict[bytes, tuple[int, Token]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        secret, _, rest = line.strip().replace("\t", " ").partition(" ")
        if not secret or secret.startswith("#"):
            continue
        place = f"{file}:{number}"
        why = why_no_token(secret)
        if why:
            raise _bad(place, f"the token {why}")
        token = Token(expected_digest(secret), identity_of(_fields(rest, place)))
        first, _ = tokens.setdefault(token.digest, (number, token))
        if first != number:
            raise _bad(place, f"is the token of line {first} again. Keep one of the two.")
    return tuple(token for _, token in tokens.values())


def _fields(text: str, place: str) -> dict[str, str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        raise _bad(
            place, "a quote is not closed. Close it, or put a backslash before it."
        ) from None
    told: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not value or name not in FIELDS or name in told:
            # The word is not repeated: it may be a token that stands in the wrong place.
            known = ", ".join(f"{each}=" for each in FIELDS)
            raise _bad(
                place,
                f"after the token only {known} may stand, each once and with a value. "
                f'Put a value with a blank in quotes: team="the platform".',
            )
        told[name] = value
    return told


class TokenFile:
    """The tokens of a file, as they are now."""

    def __init__(
        self,
        path: Path,
        logger: logging.Logger,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file. Raises Permanent if it cannot be used."""
        self._path = path.expanduser()
        self._logger = logger
        self._watch = Watch([self._path], clock_s)
        self._trouble = Trouble(logger)
        self._watch.changed()
        self._tokens = self._read()

    def tokens(self) -> tuple[Token, ...]:
        """Give the tokens; a file that cannot be used any more leaves the last ones valid."""
        if self._watch.changed():
            try:
                self._tokens = self._read()
            except Permanent as trouble:
                self._watch.again()
                self._trouble.tell(f"{trouble} Until then the tokens read before stay valid.")
            else:
                self._trouble.over()
                self._logger.info("%s: read again, %d tokens", self._path, len(self._tokens))
        return self._tokens

    def _read(self) -> tuple[Token, ...]:
        name = str(self._path)
        try:
            text = self._path.read_text("utf-8-sig")
            mode = self._path.stat().st_mode
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise _bad(name, f"cannot be read: {why}. Make it, or mend `tokens_file`.") from error
        except UnicodeDecodeError as error:
            # Without the cause: it holds the bytes.
            msg = f"is not UTF-8 text (byte {error.start} is not). Save it as UTF-8."
            raise _bad(name, msg) from None
        tokens = parse(text, name)
        # Windows has no such bits, and Python makes some up there.
        if os.name == "posix" and mode & _OF_OTHERS:
            self._logger.warning("%s: others can read it. Say: chmod 600 %s", name, name)
        return tokens


def _bad(place: str, what: str) -> Permanent:
    return Permanent(f"{place}: {what}", reason="bad_tokens_file")
