"""Turn what events tell of the user and the place into one answer for each session.

What a sender's token says already stands in the columns of events, in place of what the records
claim (see the receiver). Here the last that is told wins, because a session may move on: to a
newer version, another branch, another login. Where nothing is told, settings say.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from ...core.columns import choose
from ...session.groups import Groups, Mask
from .needs import WHO

_NULL_TEXT = pa.scalar(None, pa.string())

_CLEAN = (
    # Credentials, of any scheme, and what a clone URL does not have.
    (r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/]*@", r"\1"),
    (r"^([A-Za-z][A-Za-z0-9+.-]*://[^?#]*)[?#].*$", r"\1"),
    # The same repository over SSH is the same repository.
    (r"^(?:ssh|git)://([^/:]+)(?::[0-9]+)?/", r"https://\1/"),
    (r"^[A-Za-z0-9_.-]+@([^/:]+):/*", r"https://\1/"),
    (r"/+$", ""),
    (r"\.git$", ""),
)


def who(
    events: pa.RecordBatch,
    groups: Groups,
    many: Mask,
    defaults: Mapping[str, str | None],
    teams: Mapping[str, str],
) -> dict[str, pa.Array]:
    """Give the columns of ``WHO``; ``teams`` maps patterns of mail addresses to teams.

    ``many`` masks groups that are no session, but events of many that name none: there only
    what all agree on is told.
    """
    told = {name: _last(events.column(name), groups, many) for name in WHO}
    told["repository"] = repository(told["repository"])
    told["user_email"] = _else(told["user_email"], defaults["user_email"])
    for pattern, team in teams.items():
        fits = choose(told["user_email"], _fits(pattern))
        told["team"] = pc.coalesce(told["team"], pc.if_else(fits, team, _NULL_TEXT))
    return told | {name: _else(told[name], default) for name, default in defaults.items()}


def _last(column: pa.StringArray, groups: Groups, many: Mask) -> pa.StringArray:
    last = groups.last(column)
    if not many.any():
        return last
    different = pc.list_value_length(groups.of_groups(many).texts(column))
    unclear = pc.and_(pa.array(many), pc.not_equal(different, 1))
    return pc.if_else(unclear, _NULL_TEXT, last)


def repository(names: pa.StringArray) -> pa.StringArray:
    """Give repositories one name each: no credentials, no `.git`, HTTPS in place of SSH."""
    for pattern, replacement in _CLEAN:
        names = pc.replace_substring_regex(names, pattern=pattern, replacement=replacement)
    return names


def _else(told: pa.StringArray, default: str | None) -> pa.StringArray:
    return pc.coalesce(told, pa.scalar(default, pa.string()))


def _fits(pattern: str) -> Callable[[str], bool]:
    lowered = pattern.lower()
    return lambda address: fnmatchcase(address.lower(), lowered)
