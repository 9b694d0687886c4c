"""Tell of words of a text which of them name a file, and which file.

A text is an error, a command or a prompt; its words are what stands between blanks, quotes and
the like. A word says more than the file: `src/a.ts(12,5)`, `test_a.py::test_b`, `main.go:12:2`.
"""

import pyarrow as pa
import pyarrow.compute as pc

from ..session.texts import captured

MOST_CHARACTERS = 4000
"""So much is read of a text; what an error is about is in its message, which is shorter."""

_MOST_OF_A_NAME = 300

# In a word without a `/` only endings tell a file from a member, a version or a module:
# `calc.py`, but not `calc.add`, `self.db`, `console.log` or `3.11`.
_ENDINGS = (
    "py pyi pyx ipynb js jsx mjs cjs ts tsx mts cts vue svelte astro html htm css scss sass "
    "less json jsonc json5 jsonl yaml yml toml ini cfg conf xml svg md mdx rst txt csv tsv "
    "sql sh bash zsh fish ps1 bat c h cc cpp cxx hh hpp cs fs vb java kt kts scala groovy "
    "gradle clj ex exs erl hrl hs ml mli go rs rb erb php pl lua jl swift dart zig nim proto "
    "graphql gql tf tfvars hcl nix cmake mk tex sol hbs ejs prisma parquet sqlite sqlite3 "
    "snap lock png jpg jpeg gif webp pdf"
)
_KNOWN = (
    "makefile dockerfile containerfile jenkinsfile vagrantfile procfile gemfile rakefile "
    "podfile brewfile justfile license readme changelog codeowners go.mod go.sum"
)
# What a line of an error or a prompt says of something else.
_NO_FILES = pa.array(["node.js", "next.js", "nuxt.js", "vue.js", "react.js", "three.js", "d3.js"])

_LETTER = r"[\p{L}_]"
_BARE = (
    rf"(?i)^(?:[\p{{L}}\p{{N}}_+@-][\p{{L}}\p{{N}}_.+@-]*\.(?:{'|'.join(_ENDINGS.split())})"
    rf"|{'|'.join(name.replace('.', '[.]') for name in _KNOWN.split())}|\.[a-z][\w.-]*)$"
)
# With a `/` and yet perhaps no file: `and/or`, `I/O`. An ending or a beginning tells it is one.
_SURE = r"^(?:/|\.{1,2}/|~/|[A-Za-z]:[\\/])|\.[A-Za-z][A-Za-z0-9]{0,9}$"

# Up to a line or a test within the file; the colon of a drive is part of it.
_UP_TO = r"^@?(?P<told>(?:file://)?(?:[A-Za-z]:[\\/])?[^:#]*)"

_NONE = pa.scalar(None, pa.string())


def file_names(words: pa.StringArray, *, sure: bool = False) -> pa.StringArray:
    """Give the file that each word names; NULL where it names none.

    ``sure`` leaves out words with a `/` that may be something else.
    """
    name = _without_place(words)
    inside = pc.match_substring_regex(name, r"[/\\]")
    bare = pc.match_substring_regex(name, _BARE)
    path = pc.and_(inside, pc.match_substring_regex(name, _LETTER))
    if sure:
        path = pc.and_(path, pc.match_substring_regex(name, _SURE))
    # Patterns, variables, options and what was cut off.
    strange = pc.match_substring_regex(name, r"[*?${}…\x00-\x1f]|^-")
    other = pc.is_in(pc.ascii_lower(name), value_set=_NO_FILES)
    long = pc.greater(pc.utf8_length(name), _MOST_OF_A_NAME)
    file = pc.and_not(pc.or_(path, bare), pc.or_(pc.or_(strange, other), long))
    return pc.if_else(file, name, _NONE)


def _without_place(words: pa.StringArray) -> pa.StringArray:
    """Take away what a word says besides the file: brackets, lines, columns, tests, an `@`."""
    address = pc.and_not(pc.match_substring(words, "://"), pc.match_substring(words, "file://"))
    word = pc.if_else(address, _NONE, words)
    word = pc.replace_substring_regex(word, r"^\$(?:\{(?:HOME|PWD)\}|HOME|PWD)/", "~/")
    word = pc.replace_substring_regex(word, r"\(\d+.*$", "")
    word = pc.replace_substring_regex(word, r"^[^/\\]*[(\[]", "")
    return pc.replace_substring_regex(captured(word, _UP_TO), r"[)\].!?^~…]+$", "")
