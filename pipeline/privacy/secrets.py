r"""Turn texts that hold secrets into texts that name the kind of secret instead.

The shapes follow the public rules of gitleaks and detect-secrets, in RE2's dialect (no look
around; Arrow runs it). Three things are common to all:

- what is written in place of a secret is matched by no rule, so masking twice is masking once;
- the many texts without a secret are passed over in one scan for a hint (see `HINT`);
- texts are often JSON inside JSON, so a quote may have a backslash in front, and a line
  break may be the two characters `\n`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..core.columns import Entries, whole


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of secret: what it looks like, and what stands there afterwards."""

    kind: str
    pattern: str
    replacement: str


def rule(kind: str, pattern: str, before: str = "", after: str = "") -> Rule:
    """Make a rule; ``before`` and ``after`` are patterns around the secret that stay."""
    mark = "[REDACTED:" + kind + "]"
    if not before and not after:
        return Rule(kind, f"(?:{pattern})", mark)
    return Rule(kind, f"({before})(?:{pattern})({after})", rf"\1{mark}\2")


# A quote, an escaped one, or none.
_QUOTE = r"\\*[\"']?"
# Where a short prefix may begin: `sk-` is also the end of `task-`.
_START = r"(?:^|[^A-Za-z0-9]|\\[nrt])"
_SPOKEN = r"(?:password|passwd|passphrase|pwd)"
_NAME = (
    rf"(?:{_SPOKEN}|secret|token|credential|credentials"
    r"|(?:api|access|secret|private|auth|account|signing|encryption|master)[_-]?key|apikey)"
)
_HEADER = rf"(?i:authorization){_QUOTE}\s*[:=]\s*{_QUOTE}"
# First character of a value: not of a mask, a variable, a placeholder or a call.
_VALUE = r"[^\s\"'\\,;&|)(\[\]<>{}$%*=][^\s\"'\\,;&|)(\[\]<>{}]"

RULES = (
    rule(
        "private-key",
        r"(?s:-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
    ),
    rule("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    rule("openai-key", r"sk-[A-Za-z0-9][A-Za-z0-9_-]{15,}", before=_START),
    rule("aws-access-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    rule("github-token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    rule("gitlab-token", r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_.-]{16,}"),
    rule("slack-token", r"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"),
    rule("slack-webhook", r"[A-Za-z0-9_/-]{20,}", before=r"hooks\.slack\.com/[a-z]+/"),
    rule("google-key", r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"),
    rule("stripe-key", r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"),
    rule("npm-token", r"npm_[A-Za-z0-9]{30,}"),
    rule("pypi-token", r"pypi-[A-Za-z0-9_-]{40,}"),
    rule("huggingface-token", r"hf_[A-Za-z0-9]{30,}"),
    rule("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    rule("digitalocean-token", r"do[opr]_v1_[a-f0-9]{40,}"),
    rule("groq-key", r"gsk_[A-Za-z0-9]{20,}"),
    rule("xai-key", r"xai-[A-Za-z0-9]{20,}"),
    rule("perplexity-key", r"pplx-[A-Za-z0-9]{20,}"),
    rule("databricks-token", r"dapi[a-f0-9]{32}"),
    rule("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"),
    rule(
        "authorization",
        rf"{_VALUE}{{3,}}",
        before=rf"{_HEADER}(?i:bearer|basic|digest|token|negotiate|apikey)\s+",
    ),
    # Without a scheme; one that stands there alone must not pass for the secret.
    rule(
        "authorization",
        r"[^\s\"'\\,;$\[<{]{12,}|[A-Za-z._~+/-]*[0-9][^\s\"'\\,;$\[<{]{3,}",
        before=_HEADER,
    ),
    rule(
        "bearer-token",
        r"(?:[A-Za-z0-9._~+/-]{20,}|[A-Za-z._~+/-]*[0-9][A-Za-z0-9._~+/-]{5,})=*",
        before=r"(?i:bearer)\s+",
    ),
    rule(
        "url-password",
        r"[^\s/@\"'$\[<{][^\s/@\"']*",
        before=r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"']*:",
        after="@",
    ),
    # password=..., --token=..., ?api_key=..., MY_SECRET=...
    rule("secret", rf"{_VALUE}{{3,}}", before=rf"(?i:{_NAME})="),
    rule("password", rf"{_VALUE}*", before=rf"(?i:{_SPOKEN})="),
    # "password": "...", token = '...', API_KEY="..."; also escaped, as JSON in JSON.
    rule(
        "secret",
        r"[^\s\"'\\$\[<{][^\"'\\\n]*",
        before=rf"(?i:{_NAME})\\*[\"']?\s*[:=]\s*\\*[\"']",
    ),
    rule("secret", rf"{_VALUE}{{3,}}", before=rf"--(?i:[a-z-]*{_NAME})\s+"),
    # x-api-key: ..., Private-Token: ...; prose has a blank where a header has none.
    rule(
        "secret",
        rf"{_VALUE}{{3,}}",
        before=r"(?i:(?:x-[a-z-]*)?(?:api-?key|-token|-secret|password|passwd))\s*:\s*",
    ),
)

HINT = (
    r"sk-|sk_|rk_|A(?:KI|SI|BI|CC)A|gh[pousr]_|github_pat|gl[a-z]+-|xox|xapp-|slack\.com|AIza|ya29"
    r"|whsec|npm_|pypi-|hf_|SG\.|_v1_|gsk_|xai-|pplx-|dapi|eyJ|PRIVATE KEY"
    r"|://[^\s/]*@|(?i:bearer|authorization|passw|pwd|passphrase|secret|token|credential|key)"
)
"""Found in every text that a rule could match. No boundaries: it is also asked of texts
that follow each other without a gap."""

_SECRET_NAME = re.compile(
    rf"(?:^|[._-]){_NAME}$|^(?:x-)?(?:api-?key|auth)$"
    r"|(?:^|[._-])(?:proxy-)?(?:authorization|cookie|set-cookie)$",
    re.IGNORECASE,
)
_HARMLESS = r"^(?:|true|false|null|[0-9]{1,9}|<REDACTED>|\[REDACTED[^\]]*\])$"


def suspected(columns: Sequence[pa.Array]) -> list[bool]:
    """Tell which arrays hold a hint of a secret; most hold none and need no more work.

    All are looked at in one call first, because to compile the hint takes longer than to
    look for it in a few thousand texts.
    """
    if not columns or not any(_hinted([pa.concat_arrays(columns)])):
        return [False] * len(columns)
    return _hinted(columns)


def _hinted(columns: Sequence[pa.Array]) -> list[bool]:
    shown = pa.concat_arrays([whole(column) for column in columns])
    hits = pc.match_substring_regex(shown, HINT).to_numpy(zero_copy_only=False)
    return [bool(hit) for hit in hits]


def mask(texts: pa.Array, rules: Sequence[Rule] = RULES, hint: str | None = HINT) -> pa.Array:
    """Mask what the rules find in the texts that hold the hint, if there is one to look for."""
    if hint is None:
        suspects = pc.is_valid(texts)
    else:
        suspects = pc.fill_null(pc.match_substring_regex(texts, hint), fill_value=False)
    if not suspects.true_count:
        return texts
    # Each different text once: tool inputs and messages repeat.
    coded = texts.filter(suspects).dictionary_encode()
    masked = coded.dictionary
    for each in rules:
        masked = pc.replace_substring_regex(masked, each.pattern, each.replacement)
    return pc.replace_with_mask(texts, suspects, masked.take(coded.indices))


def mask_named(told: Entries) -> pa.Array:
    """Mask the values whose key says that they are secrets (`db.password`, `authorization`)."""
    names = [name for name in map(str, pc.unique(told.keys)) if _SECRET_NAME.search(name)]
    if not names:
        return told.values
    named = pc.is_in(told.keys, value_set=pa.array(names, pa.string()))
    harmless = pc.match_substring_regex(told.values, _HARMLESS)
    secret = pc.and_(named, pc.invert(pc.fill_null(harmless, fill_value=True)))
    return pc.if_else(secret, "[REDACTED:secret]", told.values)


def usable(pattern: str) -> bool:
    """Tell whether RE2 understands a pattern."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return False
    return True
