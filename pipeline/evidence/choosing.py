"""Choose of messages with several lines the one that matters: the exception, the first error.

Lines are ranked by what they look like. Of several with the highest rank it is the first, but the
last of a traceback and of lines that tell of no error.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import Mask, mask_of

Ranks = npt.NDArray[np.int64]

# Says that something failed, not what: no line that matters if there is another.
_TRAILERS = (
    r"(?i)^\W*(?:make(?:\[\d+\])?: (?:\*\*\*|entering|leaving)|npm (?:err!"
    r"|error) (?:code ELIFECYCLE|code \d|errno|lifecycle|workspace|location|path|cwd|command "
    r"|a complete log|this is probably|exit status|failed at|[\w@/.-]+ [\w:-]+: `)"
    r"|(?:err_pnpm_\S+|elifecycle)\W|process exited|process completed|(?:error: "
    r"|error )?(?:command|script|process|shell command)\b[^:]*? (?:failed|exited|terminated"
    r"|completed)(?: with)?(?: exit)?(?: code| status)?\W*\d*\W*$"
    r"|(?:error: )?process (?:completed|exited)|exit (?:code|status)\b|failed \((?:failures"
    r"|errors|skipped)=|ran \d+ tests?\b|=+ .* =+$|=+$|-+$|_+ .* _+$|\d+ (?:passed|failed)"
    "|error: (?:could not compile|aborting due to|test failed, to rerun|process didn't exit)"
    "|error command failed|collect2: error: ld|npm (?:err!|error)$|info visit "
    "|for more information|some errors have detailed|note: run with|warning: build failed"
    r"|build failed|fail$|failed$|ok$|fail\s+\S+(?:\s+[\d.]+s)?$|failures?:$|errors?:$"
    r"|found \d+ (?:errors?|warnings?)|\W*\d+ problems?\b|traceback \(most recent"
    "|during handling of the above|the above exception was|exception group traceback"
    r"|node\.js v\d|caused by:$|stderr:|stdout:|stdout$|at .*[(:]\d+|wall time|output:|chunk id"
    r"|total output|<no content>|\.{3}\s*\d+ more|\d+ errors? generated"
    r"|file \"[^\"]*\", line \d+(?:, in \S+)?$|\^[~^]*$|goroutine \d+|test result: failed"
    r"|rerun with|try running|fail: |error: test_|tests?:? +\d|test suites:|test files|snapshots:"
    "|time:|duration|what went wrong|run with)"
)
_QUIET = (
    r"(?i)^\W*(?:npm )?(?:warn(?:ing)?|info|debug|note|hint|help|trace)\b"
    r"|\b(?:0|no) (?:errors?|fail)"
)
_SPEAKING = (
    r"(?i)\b(?:error|errors|err!|fatal|fail(?:ed|s|ure)?|cannot|can(?:'|\x{2019})t|could ?n(?:o"
    "|')t|couldn't|unable|not (?:found|allowed|permitted|supported|recognized|installed|defined"
    "|exist|valid|a)|doesn't exist|denied|no such|no (?:module|matching|rule|tests)|panic"
    "|invalid|unexpected|undefined|unknown|missing|timed out|timeout|refused|unrecognized"
    "|unsupported|exception|conflict|abort(?:ed)?|killed|segmentation fault|core dumped"
    "|too (?:many|large|long|few)|out of|exceeded|rejected|must (?:be|have|not)|required"
    "|unreachable|unresolved|unbound|overwritten|expected|read-only|no space|permission"
    r"|forbidden|unauthorized|illegal|broken|crash(?:ed)?|corrupt(?:ed)?)\b"
)
_ERROR = (
    r"^error(?:\[\w+\])?:|^fatal:|\d\)?:? (?:- )?(?:fatal |syntax )?error\b|^\s*\d+:\d+\s+error\s"
    r"|^\s*[\w./\\~@-]+\.\w+:\d+:(?:\d+:)? \S|^\S+\.rb:\d+:in .*\(\w+\)$|^\W*expect\(.*\)\.\w"
    r"|^\W*(?:Syntax|Assertion)Error|^npm (?:ERR!|error) (?:code E[A-Z]|\d{3}|missing)"
)
_RAISED = (
    r"^(?:[|+\s]*|Uncaught |Unhandled |Exception in thread \S+ |fatal error: "
    r"|\[cause\]: )(?:[A-Za-z_][\w$]*[.:]{1,2})*[A-Z][\w$]*(?:Error|Exception|Warning|Exit"
    r"|Interrupt|Group|Timeout|Expired|Failure|Fault|Refused|Denied)\w*(?: \[\w+\]"
    r"| \([^)]*\))?(?::|$)"
)
_ALSO_RAISED = r"^(?:[A-Za-z_]\w*\.)+[A-Z]\w+(?::|$)|^[A-Z]\w*[a-z]\w*: "
_CAUSE = r"^\s*Caused by: \S"
_PANIC = r"^panic: |^thread '.*' (?:\(\d+\) )?panicked at '"
_PANICKED = r"^thread '.*' (?:\(\d+\) )?panicked at .*:\d+:\d+:$"
_TRACEBACK = r"Traceback \(most recent call last\)"
_CHECKED = r"^E {2,}\S"
_CHECKED_RAISED = r"^E {2,}(?:\w+\.)*\w*(?:Error|Exception|Failed|Exit|Warning)\b"
_SUMMARY = r"^(?:FAILED|ERROR) \S+.* - "

(
    _BLANK,
    _TRAILER,
    _PLAIN,
    _WARNS,
    _SPEAKS,
    _FAILS,
    _RAISES,
    _SUMS,
    _LAST_RAISED,
    _PANICS,
    _E,
    _E_RAISED,
) = range(12)
_LATER = (_TRAILER, _PLAIN, _LAST_RAISED)
_STEP = 1 << 32

# What stands before what matters.
_LEAD = r"^E {2,}|^\s*Caused by: |^[|+\s]+(?:\|\s*)?"


def chosen(texts: pa.StringArray) -> pa.StringArray:
    """Give the line that matters of each text; no text is NULL."""
    parts = pc.split_pattern(texts, "\n")
    line = pc.utf8_rtrim_whitespace(parts.flatten())
    first = parts.offsets.to_numpy()[:-1]
    text_of = pc.list_parent_indices(parts).to_numpy()
    traced = mask_of(pc.match_substring_regex(texts, _TRACEBACK))[text_of]
    score = _scores(_ranks(line, traced, text_of))
    best = np.maximum.reduceat(score, first)
    place = np.flatnonzero(score == best[text_of])
    return pc.replace_substring_regex(line.take(pa.array(place)), _LEAD, "")


def _scores(rank: Ranks) -> Ranks:
    """Order lines by rank, then by place; no two of a text have the same score."""
    place = np.arange(len(rank), dtype=np.int64)
    return rank * _STEP + np.where(np.isin(rank, _LATER), place, len(rank) - place)


def _ranks(line: pa.StringArray, traced: Mask, text_of: Ranks) -> Ranks:
    def has(pattern: str) -> Mask:
        return mask_of(pc.match_substring_regex(line, pattern))

    raised = has(_RAISED)
    panicked = np.append(False, has(_PANICKED)[:-1] & (text_of[1:] == text_of[:-1]))
    blank = mask_of(pc.equal(pc.utf8_trim_whitespace(line), ""))
    rules = (
        (blank, _BLANK),
        (has(_CHECKED_RAISED), _E_RAISED),
        (has(_CHECKED), _E),
        (panicked | has(_PANIC), _PANICS),
        (has(_CAUSE), _LAST_RAISED),
        (has(_TRAILERS), _TRAILER),
        (has(_SUMMARY), _SUMS),
        (raised & traced, _LAST_RAISED),
        (has(_ALSO_RAISED) & traced, _RAISES),
        (raised | has(_ERROR), _FAILS),
        (has(_QUIET), _WARNS),
        (has(_SPEAKING), _SPEAKS),
    )
    masks, ranks = zip(*rules, strict=True)
    return np.select(masks, ranks, _PLAIN)
