"""Mask bare words that differ from error to error: `No module named x`, `x: command not found`.

This is done to what the masks of ``masks`` made of texts, of which there are few different ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import mask_of
from .masks import LETTERS, PLACEHOLDER


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern, what takes its place, and words of which a text has one if the pattern is there.

    Without ``words`` it is looked for in every text.
    """

    pattern: str
    replacement: str
    words: tuple[str, ...] = ()


def _spoken(phrases: str) -> str:
    """Join phrases that may begin a sentence; a pattern that ignores case takes twice as long."""
    return "|".join(f"[{each[0].upper()}{each[0]}]{each[1:]}" for each in phrases.split("|"))


# A bare word: no quote, no mask, no sign, not the end of a sentence.
_V = r"[^\s'\"`<>:;,()\[\]{}=|]*[^\s'\"`<>:;,()\[\]{}=|.!?]"
_W = rf"[\w{LETTERS}]"
_LOW = rf"[a-z0-9{LETTERS}]"
_IDENTIFIER = (
    rf"(?:[A-Za-z${LETTERS}][\w${LETTERS}]*(?:[-.:][\w${LETTERS}]+)+"
    rf"|[a-z]+[A-Z][\w${LETTERS}]*|[A-Z][a-z]+[A-Z][\w${LETTERS}]*|{_W}+_{_W}+)"
)
_THINGS = _spoken(
    "function|method|class|struct|interface|enum|trait|variable|attribute|field|property|column"
    "|table|relation|constraint|index|key|parameter|argument|option|flag|module|package|crate"
    "|library|dependency|plugin|extension|service|container|image|pod|deployment|namespace|node"
    "|host|hostname|server|user|role|account|database|schema|collection|bucket|queue|topic|channel"
    "|branch|remote|tag|commit|job|task|stage|step|target|rule|tool|command|hook|skill|agent|model"
    "|session|thread|worker|project|repository|repo|organization|team|workspace|volume|network"
    "|cluster|region|device|test|suite|fixture|script|setting|secret|certificate|domain|policy"
    "|subscription|resource|endpoint|route|template|component|symbol|type|playbook|layer"
)
_NUMBERED = "ID|PID|UUID|" + _spoken(
    "id|uuid|request|batch|shard|pid|shell|ticket|issue|order|transaction|job|task|user|account"
    "|session|worker|pod|container|deployment|commit|query|queue|call|image|project|run|build|node"
)
_VERBS = (
    "not found|does not|doesn't|did not|didn't|already|is|was|are|were|has|have|had|could|cannot"
    "|can't|can|failed|timed out|exited|must|should|requires?|took|needs?|exceeds"
    "|exceeded|returned|threw"
    "|refused|rejected|crashed|died|stopped|terminated|unavailable|unreachable|unknown|missing"
)
_UNKNOWN = (
    "(?:[Uu]nknown|[Uu]nrecogni[sz]ed|[Uu]ndefined|[Uu]ndeclared|[Ii]nvalid|[Uu]nsupported) "
    "(?:skill|tool|(?:sub)?command|option|flag|argument|field|key|variable|function|host|user|model"
    "|revision|switch|type|property|column|method|action|task|target|plugin|rule|identifier"
    "|service|module|package|encoding|setting|parameter|attribute|directive|keyword|name)s?:?"
)
_NO_SUCH = (
    "[Nn]o such (?:tool available|module|container|table|column|image|host|user|database|index"
    "|function|variable|remote|branch|key|bucket|process|property|method|object|service|element"
    "|package|volume|network|option|command|tool|session|setting|task|target|ref|revision):"
)
_AFTER = f"{_UNKNOWN}|{_NO_SUCH}|" + _spoken(
    "no module named|command not found:|cannot find module|cannot find package|cannot find name"
    "|cannot find type|undefined:|undefined reference to|unsupported call:|cannot import name"
    "|has no attribute|not found:|does not exist:|already exists:|could not resolve|resolve host:?"
    "|eNOTFOUND|unable to locate package|unable to find image|failed building wheel for|connect to"
    "|to host|reference:|lookup|used:|unused variable:?|use of undeclared \\w+"
    "|classNotFoundException:"
    "|noClassDefFoundError:|at or near|near token|of type|validation errors? for|could not find"
    "|applicationContext for|missing script:|argument to|status:|for user|for struct"
    "|for bucket"
    "|for target|for database|for service|distribution found for|satisfies the requirement"
    "|while resolving|access denied for|manifest for|converted to|assignable to|reached for|named"
    "|called"
)

# What tells most of all: after these the texts are fewer.
_FIRST = (
    # Of a class only its own name: `requests.exceptions.HTTPError` is `HTTPError`.
    Shape(r"\b(?:(?:[a-z_]\w*|<id>)\.)+([A-Z]\w*)", r"\1", (".",)),
    Shape(
        r"\b[a-z]{2,9}[_-](?:[A-Za-z]*[a-z][A-Z][A-Za-z]*|[A-Z]{2,}[a-z]+[A-Za-z]*|[A-Za-z]{16,})\b"
        r"|\b[a-f]{7,}\b",
        "<id>",
    ),
    Shape(
        rf"(^|[ :(])(?:{_V}|<text>)((?:\.\w+)* is not a function"
        r"|(?:\(\))?(?: is not (?:defined|a constructor"
        r"|iterable|installed|callable|recognized|a valid)| is undefined)"
        r"|: command not found(?:$|[^:])|: not found$|: unbound variable)",
        r"\1<text>\2",
        (" is ", "not found", "unbound"),
    ),
    Shape(
        rf"\b((?:{_THINGS})(?:s|\(s\))?)(?:(:? ){_IDENTIFIER}|( ){_W}+( (?:{_VERBS})\b))",
        r"\1\2\3<text>\4",
    ),
    Shape(rf"\b({_AFTER}) {_V}", r"\1 <text>"),
    # Names of the API's errors tell errors apart: `\3` keeps them from the next.
    Shape(
        r"([ (=])((?:[a-z]+_)+(?:errors?|exceeded|failed|denied|required|unavailable|timeout|use"
        r"|use_ids?|result|tokens|groups)|posix_spawn|invalid_[a-z_]+)\b",
        "\\1\3\\2",
        ("_",),
    ),
    Shape(
        rf"([ (=])(?:[a-z{LETTERS}]{_LOW}*_(?:{_LOW}+_)*{_LOW}*(?:[a-z0-9]\b|[{LETTERS}])"
        rf"|_+[a-z{LETTERS}]{_W}*)(?:\(\))?",
        r"\1<text>",
        ("_",),
    ),
    Shape(rf"\b[a-z][a-z{LETTERS}]+[A-Z]{_W}*", "<text>"),
    Shape("\3", "", ("_",)),
    Shape(rf"\b[Tt]est_{_W}+", "<text>", ("test_",)),
    Shape(
        r"\b((?:to|at|from|with|on|by|via|for|host|server|address|connect|connecting|dial|tcp"
        r"|peer) )[\w.-]+:<n>",
        r"\1<host>",
        (":<n>",),
    ),
)
_THEN = (
    Shape(r"<text>, line <n>(?:, column <n>)?", "<path>", (", line",)),
    Shape(r"<path>, in \S+", "<path>, in <text>", (", in",)),
    Shape(
        rf"(: ){_V}(: (?:No such file|Permission denied|Is a directory|Not a directory|File exists"
        r"|Directory not empty|Cannot open|does not match index))",
        r"\1<text>\2",
        ("no such", "denied", "directory", "file exists", "cannot open", "does not match"),
    ),
    Shape(rf"((?:^|[ (,;])[A-Za-z_]\w*=){_V}", r"\1<text>", ("=",)),
    Shape(rf"\b((?:{_NUMBERED})(?:\)?=\(|:? |=|#))<n>", r"\1<id>", ("<n>",)),
    Shape(rf"{_V} <(?:n|id)>( has requirement)", r"<id>\1", ("has requirement",)),
    Shape(rf"(you'll have ){_V} <(?:n|id)>", r"\1<id>", ("you'll have",)),
    Shape(r"(--- (?:FAIL|SKIP): )[\w/]+", r"\1<text>", ("---",)),
    Shape(r"\b[\w.-]+:[\w.-]+:(?:[a-z]+:)?<(?:n|id)>", "<id>", (":<",)),
    Shape(r"\barn:aws[\w-]*:[^\s'\",;)]+", "<id>", ("arn:aws",)),
    Shape(r"(could not apply <(?:id|n)>)\.\.\. .*", r"\1 <text>", ("could not apply",)),
    Shape(
        r"\b((?:ERROR|WARN|WARNING|FATAL|CRITICAL|INFO)(?: <time>)? \[)[\w.-]+\]",
        r"\1<text>]",
        ("[",),
    ),
    Shape(r"(process <(?:n|id)> \()\w+", r"\1<text>", ("process <",)),
    Shape(r"(String to replace not found in file\.).*", r"\1", ("string to replace",)),
)

_KINDS = ("url", "email", "text", "host", "path", "time", "id", "n")
_BETWEEN = r"(?:, ?| and | or |; ?|[ :/.=@|-])"
_RUNS = tuple(Shape(f"<{kind}>(?:{_BETWEEN}<{kind}>)+", f"<{kind}>") for kind in _KINDS)
"""Lists of alike masks, which become one."""

ANY = "<*>"
"""Any mask, one or several, where templates are compared."""

ALIKE = (
    Shape(PLACEHOLDER, ANY),
    Shape(r"<\*>(?:(?:, ?| and | or |; ?|[ :/.=@#|+-])+<\*>)+", ANY),
    Shape(
        r"\b(argument|attempt|byte|error|file|item|line|module|problem|test|token|value"
        r"|warning)s\b",
        r"\1",
    ),
    Shape(r"\bwere\b", "was", ("were",)),
    Shape(r"\bare\b", "is", ("are",)),
)
"""What makes no other error of it: the kind of a mask, one or several."""


def shaped(texts: pa.StringArray) -> pa.StringArray:
    """Mask bare words and make one of lists; no text is NULL."""
    fewer = replaced(texts, _FIRST).dictionary_encode()
    done = replaced(fewer.dictionary, _THEN)
    lists = mask_of(pc.match_substring_regex(done, f">{_BETWEEN}<"))
    if lists.any():
        mask = pa.array(lists)
        done = pc.replace_with_mask(done, mask, replaced(done.filter(mask), _RUNS))
    return done.take(fewer.indices)


def replaced(texts: pa.StringArray, shapes: Sequence[Shape]) -> pa.StringArray:
    """Put shapes into texts, one after the other."""
    seen = _lowered(texts)
    for shape in shapes:
        # To compile a pattern costs a hundred times what it costs to look for its words.
        if not shape.words or any(word.encode() in seen for word in shape.words):
            texts = pc.replace_substring_regex(texts, shape.pattern, shape.replacement)
    return texts


def _lowered(texts: pa.StringArray) -> bytes:
    data = pc.ascii_lower(texts).buffers()[2]
    return b"" if data is None else bytes(data)
