"""Bring paths into one form, and tell all that they end in, so that ways to name a file meet.

`./src/calc.py` and `src//calc.py` become `src/calc.py`, which `/srv/app/src/calc.py` ends in; so do
paths with backslashes. A path that begins with `/` is whole; all others are the end of one.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Numbers, mask_of

_MOST_FOLDERS = 40
"""Deeper than any path that is read here to its end."""

_MOST_STEPS_UP = 8

# Where it is relative to: what stands there is not told.
_BASE = r"^(?:\.{1,2}/|~/|\$(?:HOME|PWD)/|\$\{(?:HOME|PWD)\}/)+"

# Below these lies what others wrote: `utils.py` is not `site-packages/x/utils.py`.
_OF_OTHERS = (
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|vendor|lib/python[23](?:\.[0-9]+)?)/"
)

_NONE = pa.scalar(None, pa.string())


def paths_of(names: pa.StringArray) -> pa.StringArray:
    """Bring names of files into one form; NULL where nothing is left.

    Backslashes, drives, `file://`, `./`, `../`, `~/`, `$HOME/` and doubled slashes go.
    """
    distinct = names.dictionary_encode()
    return _paths(distinct.dictionary).take(distinct.indices)


def endings_of(paths: pa.StringArray) -> tuple[Numbers, pa.StringArray]:
    """Give all that paths end in behind one of their slashes, with the place of each path.

    `/srv/calc.py` gives `srv/calc.py` and `calc.py`; `calc.py` gives nothing. Of a path below
    `site-packages` or the like each ending still says so.
    """
    distinct = paths.dictionary_encode()
    place, rest = np.arange(len(distinct.dictionary)), distinct.dictionary
    of_others = mask_of(pc.match_substring_regex(rest, _OF_OTHERS))
    places, texts = [place[:0]], [rest.slice(0, 0)]
    for _ in range(_MOST_FOLDERS):
        deeper = pc.match_substring(rest, "/")
        place = place[mask_of(deeper)]
        rest = pc.replace_substring_regex(rest.filter(deeper), r"^[^/]*/", "")
        if not len(rest):
            break
        lost = of_others[place] & ~mask_of(pc.match_substring_regex(rest, _OF_OTHERS))
        place, rest = place[~lost], rest.filter(pa.array(~lost))
        places.append(place)
        texts.append(rest)
    row, which = spread(distinct.indices, np.concatenate(places))
    return row, pa.concat_arrays(texts).take(pa.array(which))


def within(names: pa.StringArray, paths: pa.StringArray, folders: pa.StringArray) -> pa.StringArray:
    """Give what paths are in the folders that their names are relative to.

    Paths stay as they are where they are whole, below a home, or no folder is told.
    """
    upwards = pc.starts_with(names, "../")
    joined = paths_of(pc.binary_join_element_wise(folders, pc.if_else(upwards, names, paths), "/"))
    whole = pc.or_(pc.starts_with(paths, "/"), pc.match_substring_regex(names, r"^[~$]"))
    return pc.if_else(whole, paths, pc.coalesce(joined, paths))


def spread(of_row: pa.Int32Array, of_pair: Numbers) -> tuple[Numbers, Numbers]:
    """Pair each row with what was found for its value: give the rows, and the places of the finds.

    ``of_row`` numbers the value of each row, ``of_pair`` that of each find.
    """
    row = np.flatnonzero(mask_of(of_row.is_valid()))
    value = of_row.drop_null().to_numpy().astype(np.int64)
    count = int(max(value.max(initial=-1), of_pair.max(initial=-1))) + 1
    size = np.bincount(value, minlength=count)
    first = np.cumsum(size) - size
    order = row[np.argsort(value, kind="stable")]
    times = size[of_pair]
    which = np.repeat(np.arange(len(of_pair)), times)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
    return order[np.repeat(first[of_pair], times) + nth], which


def _paths(names: pa.StringArray) -> pa.StringArray:
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(names), r"^file://", "")
    windows = pc.or_(
        pc.match_substring_regex(text, r"^[A-Za-z]:\\"),
        pc.and_not(pc.match_substring(text, "\\"), pc.match_substring(text, "/")),
    )
    text = pc.if_else(windows, pc.replace_substring(text, "\\", "/"), text)
    text = pc.replace_substring_regex(text, r"^/?[A-Za-z]:/", "/")
    text = pc.replace_substring_regex(text, r"/+(?:\.?/+)*", "/")
    for _ in range(_MOST_STEPS_UP):
        text = pc.replace_substring_regex(text, r"(^|/)[^/.][^/]*/\.\./", r"\1")
    text = pc.replace_substring_regex(text, _BASE, "")
    text = pc.replace_substring_regex(text, r"/$", "")
    return pc.if_else(pc.is_in(text, value_set=pa.array(["", ".", ".."])), _NONE, text)
