"""Say what differs from error to error and what stands for it: patterns (RE2) and placeholders.

The order matters: a mask sees what the ones before it left. Placeholders are `<url>`, `<email>`,
`<text>` (quoted), `<host>`, `<path>`, `<time>`, `<id>` and `<n>`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for, what stands for it, and what every text has in which it is found.

    ``where`` are sequences of kinds of letters (see ``sketch``), one of which must be there;
    ``hint`` is a pattern that costs less than ``pattern``.
    """

    pattern: str
    replacement: str
    where: tuple[str, ...]
    hint: str | None = None


PLACEHOLDER = r"<(?:url|email|text|host|path|time|id|n)>"

# Letters outside ASCII, with the marks on them, in a few ranges: `\p{L}` costs ten times as much
# to compile. `\w` and `\b` know ASCII only.
_LATIN = r"\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{52f}"
LETTERS = (
    rf"{_LATIN}\x{{530}}-\x{{1fff}}\x{{2c00}}-\x{{2dff}}\x{{3005}}-\x{{3007}}\x{{3040}}-\x{{d7ff}}"
    r"\x{f900}-\x{faff}\x{ff10}-\x{ffdc}\x{20000}-\x{3ffff}"
)

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[AaPp][Mm]\b)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[A-Z]{2,3}T|[+-]\d\d:?\d\d)\b)?"

_DATES = (
    rf"\b\d{{4}}([-/.])\d\d[-/.]\d\d(?:[T _:]{_CLOCK})?{_ZONE}"
    rf"|\b\d{{8}}T\d{{4,6}}Z?\b"
    rf"|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}},?(?: {_CLOCK})?{_ZONE}"
    rf"|\b(?:{_DAY} )?\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{4}}(?:[: ]{_CLOCK})?{_ZONE}"
    rf"|\b(?:{_DAY} )?{_MONTH} \d{{1,2}},?(?: {_CLOCK})?{_ZONE}(?: \d{{4}}\b)?"
    rf"|\b\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AaPp][Mm]\b)?"
)

# Quotes are quotes only where no word ends before or begins after: `can't` has none.
_QUOTED = (
    r"\B'(?:[^']|\b'\b)*'\B|\"[^\"]*\"|`[^`]*`|`[^`']*'\B"
    "|\u201e[^\u201c\u201d]*[\u201c\u201d]|\u201a[^\u2018\u2019]*[\u2018\u2019]"
    "|\u2018[^\u2019]*\u2019|\u201c[^\u201d]*\u201d|\u00ab[^\u00bb]*\u00bb|\u300c[^\u300d]*\u300d"
)

_TOP = r"com|local|org|net|io|ai|internal|localdomain|lan|corp|gov|edu|arpa"
# These also end other names (`torch.dev`): only where more stands before.
_UNDER = r"dev|app|cloud|svc|co|us|uk|eu|de|fr|jp|cn|biz|tech"
_HEX4 = "[0-9A-Fa-f]{1,4}"
_PORT = r"(?::\d+(?:/[^\s'\"`<>,;()]*)?)?"
_HOSTS = (
    rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?\b{_PORT}"
    rf"|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]{_PORT}"
    rf"|\b(?:{_HEX4}:){{7}}{_HEX4}\b|\b(?:{_HEX4}:)+(?::{_HEX4})+\b|\B::1\b"
    r"|\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b"
    rf"|\blocalhost\b{_PORT}|\b(?:[A-Za-z0-9][\w-]*\.)+(?:{_TOP})\b{_PORT}"
    rf"|\b(?:[A-Za-z0-9][\w-]*\.){{2,}}(?:{_UNDER})\b{_PORT}"
)
_HOSTLIKE = rf"\d\.\d+\.|:[0-9A-Fa-f]*:|localhost|\.(?:{_TOP}|{_UNDER})\b"

# What may stand in a path after its first slash, and what it may end with.
_IN = r"[^\s'\"`<>|:;,()\[\]{}!]|\\ |<[a-z]+>|\[[\w.-]+\]|\([a-z][\w-]*\)/"
_STEP = rf"[\w{LETTERS}.@~+%-]|<[a-z]+>"
_END = r"(?:[^\s'\"`<>|:;,()\[\]{}!.?&/\\]|<[a-z]+>|\[[\w.-]+\])[/\\]?"
_ENDINGS = (
    r"py|pyi|pyc|ipynb|js|jsx|mjs|cjs|ts|tsx|mts|cts|vue|svelte|json|jsonl|json5|jsonc|go|mod|sum"
    r"|rs|java|kt|kts|scala|groovy|gradle|jar|c|h|cc|cpp|cxx|hpp|hh|mm|swift|cs|csproj|sln"
    r"|fs|vb|rb|erb|gemspec|php|pl|pm|lua|jl|ex|exs|erl|hs|ml|clj|dart|zig|nim|sol|sh|bash|zsh"
    r"|fish|ps1|bat|cmd|exe|dll|so|dylib|lib|wasm|whl|egg|zip|tar|gz|tgz|bz2|xz|zst|7z|html?"
    r"|css|scss|sass|less|md|mdx|rst|txt|log|csv|tsv|parquet|xml|xsd|ya?ml|toml|ini|cfg|conf"
    r"|lock|properties|plist|sql|db|sqlite3?|duckdb|proto|graphql|tf|tfvars|hcl|cmake|mk|png|jpe?g"
    r"|gif|svg|webp|ico|pdf|docx?|xlsx?|pptx?|mp[34]|wav|ttf|woff2?|pem|crt|pid|sock|tmp|bak"
    r"|patch|diff|bin|dat|rpm|deb|apk"
)
_PLACE = (
    rf"(?:::[\w{LETTERS}]+(?:\[[^\]\s]*\])?)*"
    r"(?:\(\d+(?:,\d+)?\)|:\d+(?:[-:,.]\d+)*|#L\d+(?:-L?\d+)?"
    r"|,? line \d+(?:, (?:char|col)\w* \d+)?)?"
)
_PATHS = (
    rf"(?:\b[A-Za-z]:[\\/](?:Program Files(?: \(x86\))?|Documents and Settings|{_IN})*"
    rf"|\\\\[\w.$-]+\\(?:{_IN})*"
    rf"|(?:\B|(?:{_STEP})*[A-Za-z_{LETTERS}.~@>-](?:{_STEP})*)/(?:{_IN})*{_END}"
    rf"|(?:{_STEP})*[A-Za-z_{LETTERS}.~@>-](?:{_STEP})*/"
    rf"|(?:\b[\w.-]|[{LETTERS}])[\w{LETTERS}.-]*(?:\\[\w{LETTERS}.@-]+)+"
    rf"|\.?(?:\b[\w@]|[{LETTERS}])(?:[\w{LETTERS}.+-]|<[a-z]+>)*\.(?:{_ENDINGS})\b){_PLACE}"
)

# Amounts stand alone: `1e20` and `50d` may also be pieces of an id.
_BEFORE = r"(^|[\s(\[{=:,;~<>|/+])"
_AFTER = r"($|[^\w-])"
_AMOUNT = r"-?\d+(?:[.,]\d+)*"
_DURATIONS = (
    rf"{_BEFORE}(?:{_AMOUNT} ?(?:ms|msecs?|millis|milliseconds?|\x{{b5}}s|us|\x{{3bc}}s"
    r"|microseconds?"
    r"|ns|nanoseconds?|s|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?|months?)"
    r"|\d+d(?: ?\d+h)?(?: ?\d+m)?(?: ?\d+s)?|\d+h(?: ?\d+m)?(?: ?\d+(?:\.\d+)?s)?"
    rf"|\d+m(?: ?\d+(?:\.\d+)?s)?(?: ?\d+ms)?){_AFTER}"
)
_UNITS = (
    rf"{_BEFORE}[-+]?{_AMOUNT}(?:[eE][-+]?\d+| ?(?:[kKMGTP]i?[bB]?(?:ps|it)?|B|[bB]ytes?|bits|px)"
    rf"(?:/s)?| ?%| percent){_AFTER}"
)

_IDS = (
    # Packages and their versions, objects and their hashes.
    r"\b[\w.$-]+@[0-9a-f]{5,}\b"
    r"|\b[\w.-]+(?:\[[\w,]+\])?[=<>!~]=+v?\d[\w.*+-]*"
    # Words with a digit, with what hangs on them by `-`, `.` or `#`.
    r"|\bv\d+(?:\.\d+)+(?:[-+][\w.-]*\w)?"
    r"|\b\d+(?:\.\d+)+[-+][A-Za-z][\w.-]*"
    # Not of scripts that put no spaces between words.
    rf"|(?:(?:\b[A-Za-z_]|[{_LATIN}])[\w{_LATIN}+-]*\d|\b\d[\w{_LATIN}+-]*[A-Za-z_{_LATIN}])"
    rf"[\w{_LATIN}+-]*(?:={{1,2}}\B|(?:\.\d[\w-]*)*)"
    r"|\b[A-Za-z][\w-]*#\d+"
)
_NUMBERS = r"(?:\B[-+#^~])?\b\d+(?:[.,:/x-]\d+)*\b"

_PACKAGES = r"(?:\B@[\w.-]+/)?\b[\w.-]+@(?:\"[^\"]*\"|[\^~>=<]*v?\d[\w.+-]*)"
_SCHEMES = r"\b[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s\"'`<>]*[^\s\"'`<>.,;:!?)\]}])?"
_EMAIL = rf"(?:\b[\w.+-]|[{LETTERS}])[\w{LETTERS}.+-]*@(?:[\w-]+\.)+[A-Za-z]{{2,}}\b"

MASKS = (
    Rule(_SCHEMES, "<url>", (":/",), "://"),
    Rule(_PACKAGES, "<id>", ("@",)),
    Rule(_EMAIL, "<email>", ("@",)),
    Rule(_QUOTED, "<text>", ("'",)),
    Rule(_DATES, "<time>", ("9-99", "9:99", "9-A", "9 A", "9A9", "9^ 9999")),
    Rule(_HOSTS, "<host>", (".w", ".9", ":9", "::"), _HOSTLIKE),
    Rule(_PATHS, "<path>", ("/", ".w")),
    Rule(_DURATIONS, "\\1<time>\\2", ("9u", "9 u")),
    Rule(_UNITS, "\\1<n>\\2", ("9u", "9 u")),
    Rule(_IDS, "<id>", ("9&", "&9")),
    Rule(_NUMBERS, "<n>", ("9",)),
)
"""What is masked in every text, in this order."""

# Numbers that tell one error from another are kept: `\1` and `\2` stand around them meanwhile.
_STATUS = r"[1-5]\d\d\b"
_VERBS = "get|head|post|put|patch|delete"
# Slashes that make no path, and programs with a digit where they name themselves.
_SLASHED = (
    r"i/o|n/a|and/or|or/and|tcp/ip|input/output|read/write|client/server|ci/cd|ssl/tls|tls/ssl"
    r"|yes/no|true/false|on/off|http/\d(?:\.\d)?"
)
_PROGRAMS = (
    r"^(?:python|pip|node|perl|ruby|php|gcc|g\+\+|clang|clang\+\+|collect|bzip|ld|lua)[\d.-]+:"
)

KEPT = (
    # `exit status 127` is no HTTP status: found first, it is left as it is.
    Rule(
        r"(?i)(\bexit(?:ed)?(?: with)? (?:status|code)\b)"
        r"|(\b(?:https?(?: status| error)?|http/[\d.]+|status|(?:api|returned) error|response"
        rf"|error code|responded with|(?:{_VERBS}) \S+)"
        rf"(?: code)?(?:: | ?= ?| \(?|\())({_STATUS})",
        "\\1\\2\1\\3\2",
        ("^999",),
        rf"(?i)(?:http|status|error|code|response|responded with|(?:{_VERBS}) \S+)"
        r"[^a-z]*[1-5]\d\d",
    ),
    # What compilers, linters, databases and JSON-RPC number their errors by.
    Rule(
        r"(\b(?i:error|warning|code)(?: code)?(?:: ?| |\[|:\[| \[)|(?:\d|<path>): )"
        r"([A-Z]{1,7}\d{3,5}|-32\d{3})\b|^([A-Z]{1,3}\d{4}:)",
        "\\1\1\\2\\3\2",
        ("A99", "-99999"),
    ),
    Rule(
        rf"\b((?i:{_SLASHED}))\b|({_PROGRAMS})",
        "\1\\1\\2\2",
        ("w/w", "w/9", "9: "),
        rf"\b(?i:{_SLASHED})\b|{_PROGRAMS}",
    ),
)
"""What looks as if it differed and tells one error from another; `\1` and `\2` go around it."""
