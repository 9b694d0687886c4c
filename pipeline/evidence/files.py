"""Tell which files uses of tools, commands and texts are about: pairs of a row and a file.

Files that tools are given are told; those in texts are what looks like a path there. A file that
is named by its last part, `calc.py`, is the same as any that ends so at a `/`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Mask, Numbers, codes_of, mask_of
from ..session.texts import captured, string_member
from .mentions import MOST_CHARACTERS, file_names
from .paths import endings_of, paths_of, spread, within
from .uses import PATCH, Uses

# What tools of other agents call the file; `file_path`, `notebook_path` and `path` are in
# `tool_calls.file_path` already.
_MEMBERS = ("filePath", "absolute_path", "relative_path", "target_file", "filename", "file")
_OWN_MEMBERS = ("file_path", "notebook_path", "path")

_PATCHED = r"^\*\*\* (?:(?:Update|Add|Delete) File|Move to): (?P<told>[^\r\n]+)$"

# What a command says or writes down, and does not work on: `-m 'update README.md'`, `echo "..."`,
# also where a here-document is in its quotes, or the whole command is in quotes.
_QUOTED = r"(?:\"\$\((?s:.*?)\n\s*\)\"|\\\"(?:[^\"\\]|\\[^\"])*\\\"|\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_MESSAGE = r"\s(?:-[A-Za-z]*m|--(?:message|title|body|notes|subject|description|comment))"
_SAID = (
    rf"({_MESSAGE})[ =]?\s*{_QUOTED}"
    rf"|(\b(?:echo|printf)(?:\s+-\w+)*)(?:\s+{_QUOTED})+"
)
# Where a command goes first; with another `cd` in it, it is not told what runs where.
_CD = (
    r"^(?:(?:\S*/)?(?:ba|z|da|k)?sh\s+-[a-z]*c\s+['\"])?[\s({]*(?:cd|pushd)\s+(?:-P\s+|--\s+)?"
    r"(?:'(?P<single>[^'\n]+)'|\"(?P<double>[^\"\n]+)\"|(?P<bare>[^\s'\";&|()]+))\s*(?:&&|;|\n)"
)
_CDS = r"(?:^|[\s;&|({'\"])(?:cd|pushd|popd)(?:$|[\s;&|)])"
_STRANGE = r"[*?$`{}\\~]|(?:^|/)\.\.(?:/|$)|^-"

_MOST_IN_A_TEXT, _MOST_IN_A_PATCH = 50, 1000

_Names = Callable[[pa.StringArray], pa.StringArray]

# Whatever may stand between two words of a text that names files, colours of a terminal too.
_BETWEEN = (
    "(?:\x1b\\[[0-9;]*m|[\\s\"'`<>,;|=&\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
    "\u3001\u3002\uff0c\uff1b\u300c\u300d])+"
)


@dataclass(frozen=True, slots=True)
class Files:
    """Which files rows are about; a row may have several, or none.

    ``name`` is the file as it is told, ``path`` the same in the form of ``paths``.
    """

    row: Numbers
    name: pa.StringArray
    path: pa.StringArray

    @classmethod
    def of(cls, row: Numbers, name: pa.StringArray) -> "Files":
        """Take names of files as they are told; what is NULL names none."""
        path = paths_of(name)
        told = path.is_valid()
        return cls(row[mask_of(told)], name.filter(told), path.filter(told))

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.row)

    def where(self, mask: Mask) -> "Files":
        """Give the pairs that are in the mask."""
        kept = pa.array(mask)
        return Files(self.row[mask], self.name.filter(kept), self.path.filter(kept))

    def relative_to(self, folders: pa.StringArray) -> "Files":
        """Give the same files as what they are in the folder of their row, where that is told."""
        told = folders.take(pa.array(self.row))
        return Files(self.row, self.name, within(self.name, self.path, told))

    def beside(self, others: "Files") -> "Files":
        """Give these files and others, of rows in no order; one may be there twice."""
        return Files(
            np.concatenate([self.row, others.row]),
            pa.concat_arrays([self.name, others.name]),
            pa.concat_arrays([self.path, others.path]),
        )

    def owned(self, owner: Numbers) -> "Files":
        """Give the same files to other rows: to the one that ``owner`` has for each, or none."""
        row = owner[self.row]
        return Files(row, self.name, self.path).where(row >= 0)


def together(parts: Iterable[Files]) -> Files:
    """Put files of the same rows together, in order of row; each file of a row is there once.

    Of two names of one file the longer one stays: `src/calc.py` and not `calc.py`.
    """
    both = reduce(Files.beside, parts)
    order = np.argsort(both.row, kind="stable")
    place = pa.array(order)
    return _longest(Files(both.row[order], both.name.take(place), both.path.take(place)))


def files_in(texts: pa.StringArray, *, sure: bool = False) -> Files:
    """Give what looks like a file in texts: 50 of the first 4,000 characters of each at most.

    ``sure`` leaves out what may as well be something else, such as `and/or`.
    """
    distinct = texts.dictionary_encode()
    read = pc.utf8_slice_codeunits(distinct.dictionary, 0, MOST_CHARACTERS)
    words = pc.split_pattern_regex(read, _BETWEEN)
    return _spread(
        distinct.indices, words, lambda each: file_names(each, sure=sure), _MOST_IN_A_TEXT
    )


def worked_on(commands: pa.StringArray, *, sure: bool = False) -> Files:
    """Give what looks like a file in commands, but for what they say: messages, what is echoed.

    Names are told as the commands do, paths from where these go first.
    """
    distinct = commands.dictionary_encode()
    heard = pc.replace_substring_regex(distinct.dictionary, _SAID, r"\1\2")
    return files_in(heard.take(distinct.indices), sure=sure).relative_to(folders_of(commands))


def folders_of(commands: pa.StringArray) -> pa.StringArray:
    """Give the folder that each command goes to first; NULL if to none, or to several."""
    distinct = commands.dictionary_encode()
    texts = distinct.dictionary
    if texts.null_count == len(texts):
        return pa.nulls(len(commands), pa.string())
    parts = pc.extract_regex(texts, _CD)
    told = pc.max_element_wise(*(pc.struct_field(parts, name) for name in parts.type.names))
    once = pc.less(pc.count_substring_regex(texts, _CDS), 2)
    known = pc.and_(once, pc.invert(pc.match_substring_regex(told, _STRANGE)))
    folders = paths_of(pc.if_else(known, told, pa.scalar(None, pa.string())))
    return folders.take(distinct.indices)


def patched_in(texts: pa.StringArray) -> Files:
    """Give all files that patches (`*** Begin Patch`) change, also those they move."""
    patches = pc.if_else(pc.match_substring(texts, PATCH), texts, pa.scalar(None, pa.string()))
    distinct = patches.dictionary_encode()
    # Within JSON a line ends in a backslash and an `n`.
    lines = pc.split_pattern_regex(distinct.dictionary, r"\r?\n|\\n")
    return _spread(distinct.indices, lines, lambda each: captured(each, _PATCHED), _MOST_IN_A_PATCH)


def given_to(uses: Uses) -> Files:
    """Give the files that uses of tools were given: by name, or in a patch."""
    rows = np.arange(len(uses))
    inputs = uses.tool_input
    return together(
        (
            Files.of(rows, uses.column("file_path")),
            Files.of(rows, string_member(inputs, *_MEMBERS)),
            patched_in(inputs),
            patched_in(uses.command),
        )
    )


def named_by(parameters: pa.StringArray) -> Files:
    """Give the files that Claude Code's `tool_parameters` name, if a tool's name any.

    Those of its version 2.1.197 tell of commands alone: reference of Claude Code, section 6.
    """
    distinct = parameters.dictionary_encode()
    told = string_member(distinct.dictionary, *_OWN_MEMBERS, *_MEMBERS)
    return Files.of(np.arange(len(parameters)), told.take(distinct.indices))


def _longest(files: Files) -> Files:
    """Leave out what is there twice, and what another name of the same row ends in."""
    first = np.zeros(len(files), dtype=np.bool_)
    first[np.unique(codes_of(pa.array(files.row), files.path), return_index=True)[1]] = True
    once = files.where(first)
    several = np.bincount(once.row)[once.row] > 1
    if not several.any():
        return once
    many = once.where(several)
    ended, ending = endings_of(many.path)
    rows = pa.array(np.concatenate([many.row, many.row[ended]]))
    codes = pa.array(codes_of(rows, pa.concat_arrays([many.path, ending])))
    own, others = codes.slice(0, len(many)), codes.slice(len(many))
    several[several] = mask_of(pc.is_in(own, value_set=others))
    return once.where(~several)


def _spread(of_row: pa.Int32Array, parts: pa.ListArray, names_of: _Names, most: int) -> Files:
    """Read the first names in parts of different texts, and give them to all rows with such."""
    part = pc.list_flatten(parts).dictionary_encode()
    name = names_of(part.dictionary).take(part.indices)
    text = pc.list_parent_indices(parts).filter(name.is_valid()).to_numpy()
    first = np.flatnonzero(np.arange(len(text)) - np.searchsorted(text, text) < most)
    row, which = spread(of_row, text[first])
    return Files.of(row, name.drop_null().take(pa.array(first[which])))
