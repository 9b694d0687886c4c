"""Token files: text to tokens, and files that change."""

import hashlib
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentpond.pipeline.core.errors import Permanent
from agentpond.pipeline.core.signal import Identity
from agentpond.receiver.otlp.guard.tokens import Token, TokenFile, digest, parse

from .support import LOGGER, Clock, put

NAMES = ("user_id", "user_email", "organization_id", "team")


def sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def reason_to_refuse(text: str) -> str | None:
    try:
        parse(text, "tokens")
    except Permanent as error:
        return error.reason
    return None


def test_a_line_holds_a_token_and_whose_it_is() -> None:
    text = "s3cret user_id=alice user_email=a@example.com organization_id=acme team=platform\n"

    tokens = parse(text, "tokens")

    told = Identity("alice", "a@example.com", "acme", "platform")
    assert tokens == (Token(sha256("s3cret"), told),)


def test_blank_lines_and_comments_are_left_out() -> None:
    text = "# who may send\n\n  one  team=a # the first\n\ttwo#2\tteam=b\n"

    tokens = parse(text, "tokens")

    assert tokens == (
        Token(sha256("one"), Identity(team="a")),
        Token(sha256("two#2"), Identity(team="b")),
    )


def test_a_token_alone_says_nothing_of_its_owner() -> None:
    tokens = parse("c2VjcmV0==\n", "tokens")

    assert tokens == (Token(sha256("c2VjcmV0=="), None),)


def test_a_value_with_blanks_stands_in_quotes() -> None:
    tokens = parse("one team=\"the platform\" user_id='o=k'\n", "tokens")

    assert [token.identity for token in tokens] == [Identity(user_id="o=k", team="the platform")]


def test_a_hash_stands_in_the_place_of_a_token() -> None:
    tokens = parse(f"sha256:{sha256('one').hex().upper()} team=a\n", "tokens")

    assert tokens == (Token(sha256("one"), Identity(team="a")),)


def test_a_file_with_a_comment_alone_lets_nobody_in() -> None:
    tokens = parse("# nobody\n", "tokens")

    assert tokens == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\nh1dden tea=m", "tokens:2: after the token only user_id=, user_email=, "),
        ("Bearer h1dden", "tokens:1: after the token only user_id=, user_email=, "),
        ("one team=h1dden team=b", "each once"),
        ("one team='h1dden", "tokens:1: a quote is not closed"),
        ("\nh1dden\nh1dden", "tokens:3: is the token of line 2 again"),
        ("sha256:h1dden", "tokens:1: the token begins with `sha256:` and is no SHA-256"),
        ("h1ddén", "tokens:1: the token has characters that cannot stand in an HTTP header"),
        (" \n", "tokens: is empty. Write one token a line, or a # comment"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_its_token_is_not(text: str, words: str) -> None:
    with pytest.raises(Permanent) as told:
        parse(text, "tokens")

    assert words in str(told.value)
    assert "h1dd" not in str(told.value)


def test_a_token_does_not_show_in_its_repr() -> None:
    tokens = parse("one user_id=alice", "tokens")

    assert sha256("one").hex() not in repr(tokens)
    assert repr(sha256("one")) not in repr(tokens)


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    told=st.dictionaries(st.sampled_from(NAMES), st.from_regex(r"[\w@.-]+", fullmatch=True)),
)
def test_what_is_written_is_read(secret: str, told: dict[str, str]) -> None:
    secret = f"t{secret}"
    line = " ".join([secret, *(f"{name}={value}" for name, value in told.items())])

    tokens = parse(line, "tokens")

    assert tokens == (Token(sha256(secret), Identity(**told) if told else None),)


@given(st.text())
def test_any_text_is_tokens_or_refused_in_words(text: str) -> None:
    reason = reason_to_refuse(text)

    assert reason in {None, "bad_tokens_file"}


def test_any_text_of_a_header_has_a_digest() -> None:
    told = digest("\udcff\ud800é")

    assert len(told) == 32


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    put(path, "two team=b")
    clock.pass_by()

    tokens = file.tokens()

    assert tokens == (Token(sha256("two"), Identity(team="b")),)


def test_a_file_that_is_written_over_is_read_again(tmp_path: Path) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    path.write_text("two")
    os.utime(path, ns=(0, 1))
    clock.pass_by()

    tokens = file.tokens()

    assert tokens == (Token(sha256("two"), None),)


def test_a_file_is_looked_at_once_a_second_at_most(tmp_path: Path) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    put(path, "two")
    clock.pass_by(0.9)

    tokens = file.tokens()

    assert tokens == (Token(sha256("one"), None),)


@pytest.mark.parametrize("text", ["", "two three", None])
def test_a_file_that_goes_bad_leaves_its_tokens_valid(tmp_path: Path, text: str | None) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    path.unlink() if text is None else put(path, text)
    clock.pass_by()

    tokens = file.tokens()

    assert tokens == (Token(sha256("one"), None),)


def test_a_bad_line_is_logged_once_with_its_place_and_without_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    put(path, "one\nBearer h1dden")
    for _ in range(3):
        clock.pass_by()
        file.tokens()

    told = [record.getMessage() for record in caplog.records]

    assert len(told) == 1
    assert f"{path}:2: after the token" in told[0]
    assert "the tokens read before stay valid" in told[0]
    assert "h1dden" not in told[0]


def test_a_file_that_comes_back_is_read_although_it_looks_like_before(tmp_path: Path) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    aside = path.replace(tmp_path / "aside")
    clock.pass_by()
    file.tokens()
    aside.write_text("two")
    aside.replace(path)
    clock.pass_by()

    tokens = file.tokens()

    assert tokens == (Token(sha256("two"), None),)


def test_the_same_trouble_after_a_good_time_is_logged_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = Clock(), put(tmp_path / "tokens", "one")
    file = TokenFile(path, LOGGER, clock)
    for text in ("", "two", ""):
        put(path, text)
        clock.pass_by()
        file.tokens()

    told = [record.getMessage() for record in caplog.records]

    assert [": is empty." in words for words in told] == [True, True]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory. Make it, or mend `tokens_file`."),
        (b"one\xff", "is not UTF-8 text (byte 3 is not). Save it as UTF-8."),
        (b"", "is empty"),
    ],
)
def test_a_file_that_is_bad_at_the_start_is_refused_in_words(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "tokens"
    if content is not None:
        put(path, content)

    with pytest.raises(Permanent) as told:
        TokenFile(path, LOGGER, Clock())

    assert str(path) in str(told.value)
    assert words in str(told.value)


@pytest.mark.skipif(os.name != "posix", reason="no such bits here")
def test_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path / "tokens", "one")
    path.chmod(0o640)

    TokenFile(path, LOGGER, Clock())

    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert told == [
        (logging.WARNING, f"{path}: others can read it. Say: chmod 600 {path}"),
    ]


def test_a_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "tokens", "one")
    monkeypatch.setenv("HOME", str(tmp_path))

    tokens = TokenFile(Path("~/tokens"), LOGGER, Clock()).tokens()

    assert tokens == (Token(sha256("one"), None),)
