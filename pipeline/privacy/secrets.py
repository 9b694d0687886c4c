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
    """One shape of secret: what it looks like, and what stands there afterwards.

    One of ``words``, in lower case, is in every text that the pattern finds something in.
    """

    kind: str
    pattern: str
    replacement: str
    words: tuple[str, ...] = ("",)


def rule(kind: str, pattern: str, *words: str, before: str = "", after: str = "") -> Rule:
    """Make a rule; ``before`` and ``after`` are patterns around the secret that stay."""
    mark = "[REDACTED:" + kind + "]"
    if not before and not after:
        return Rule(kind, f"(?:{pattern})", mark, words or ("",))
    return Rule(kind, f"({before})(?:{pattern})({after})", rf"\1{mark}\2", words or ("",))


# A quote, an escaped one, or none.
_QUOTE = r"\\*[\"']?"
# Where a short prefix may begin: `sk-` is also the end of `task-`.
_START = r"(?:^|[^A-Za-z0-9]|\\[nrt])"
_SPOKEN = r"(?:password|passwd|passphrase|pwd)"
_NAME = (
    rf"(?:{_SPOKEN}|secret|token|credential|credentials"
    r"|(?:api|access|secret|private|auth|account|signing|encryption|master)[_-]?key|apikey)"
)
# `pass` alone is what tests do; a password it is only in such names.
_IN_A_NAME = (
    r"(?:[A-Z0-9]_PASS|(?i:(?:db|user|root|admin|mysql|smtp|mail|ftp|ldap|redis)_pass|dbpass))"
)
_NAMED = rf"(?:(?i:{_NAME})|{_IN_A_NAME})"
_PASSWORDS = rf"(?:(?i:{_SPOKEN})|{_IN_A_NAME})"
_SPOKEN_NAMES = ("passw", "passphrase", "pwd", "_pass", "dbpass")
_NAMES = (*_SPOKEN_NAMES, "secret", "token", "credential", "key")
_HEADER = rf"(?i:authorization){_QUOTE}\s*[:=]\s*{_QUOTE}"
# First character of a value: not of a mask, a variable, a placeholder or a call.
_VALUE = r"[^\s\"'`\\,;&|)(\[\]<>{}$%*=][^\s\"'`\\,;&|)(\[\]<>{}]"

# What may stand unquoted after `token: ` and is no prose, number, type, path, URL or call: of 8
# characters or more with two digits, or of 16 or more with one, or mixed without being a name
# like AccessToken. RE2 cannot ask for a length and for digits at once, so places are told apart.
_W = r"[A-Za-z0-9_+/=~^!@#%-]"
_N = r"[A-Za-z_+=~^!@#-]"
_RANDOM = "|".join(
    (
        rf"[0-9]{{1,7}}[A-Za-z+/=]{_W}{{6,}}",
        rf"{_N}{_W}?[0-9]{_W}?[0-9]{_W}{{3,}}",
        rf"{_N}{_W}?[0-9]{_W}{{2,3}}[0-9]{_W}+",
        rf"{_N}{_W}?[0-9]{_W}{{4,}}[0-9]{_W}*",
        rf"{_N}{_W}{{2,3}}[0-9]{_W}?[0-9]{_W}+",
        rf"{_N}{_W}{{2,3}}[0-9]{_W}{{2,}}[0-9]{_W}*",
        rf"{_N}{_W}{{4,}}[0-9]{_W}*[0-9]{_W}*",
        rf"{_N}{_W}{{0,3}}[0-9]{_W}{{12,}}",
        rf"{_N}{_W}{{4,7}}[0-9]{_W}{{7,}}",
        rf"{_N}{_W}{{8,}}[0-9]{_W}{{3,}}",
        rf"{_N}{_W}{{12,}}[0-9]{_W}*",
        rf"[A-Za-z]*[a-z][A-Z]{{2,}}[a-z]{_W}{{8,}}",
    )
)
# The same for a password, which may be short: one digit is enough, or the end of its line.
_PASSWORD = rf"{_W}{{3,}}[0-9]{_W}{{2,}}|{_W}{{5,}}[0-9]|[0-9]{_W}{{5,}}"
_LINE_ENDS = r"[ \t]*(?:$|[\r\n]|\\+[rn])"
_WORD_ENDS = r"(?:$|[\s\"'\\,;&|)\]}])"
_ASSIGN = r"[ \t]*(?::=|=>|[:=])[ \t]*"
_IS = rf"{_QUOTE}\s*(?::=|=>|[:=])\s*"
# In quotes: neither a variable, a placeholder nor a mask, unless more follows it.
_CHARACTER = r"[^\s\"'\\$\[<{]"
_FIRST = rf"(?:{_CHARACTER}|\{{[^{{}}\s\"'\\]*\}}{_CHARACTER})"

RULES = (
    rule(
        "private-key",
        r"(?s:-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
        "private key",
    ),
    rule("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{8,}", "sk-ant-"),
    rule("openai-key", r"sk-[A-Za-z0-9][A-Za-z0-9_-]{15,}", "sk-", before=_START),
    rule("aws-access-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", "akia", "asia", "abia", "acca"),
    rule(
        "github-token",
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
    ),
    rule(
        "gitlab-token",
        r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_.-]{16,}",
        "glpat-",
        "gloas-",
        "gldt-",
        "glrt-",
        "glcbt-",
        "glptt-",
        "glft-",
        "glsoat-",
        "glagent-",
        "glimt-",
    ),
    rule("slack-token", r"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}", "xox", "xapp-"),
    rule(
        "slack-webhook",
        r"[A-Za-z0-9_/-]{20,}",
        "hooks.slack.com",
        before=r"hooks\.slack\.com/[a-z]+/",
    ),
    rule("google-key", r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}", "aiza", "ya29."),
    rule(
        "stripe-key",
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}",
        "k_live_",
        "k_test_",
        "whsec_",
    ),
    rule("npm-token", r"npm_[A-Za-z0-9]{30,}", "npm_"),
    rule("pypi-token", r"pypi-[A-Za-z0-9_-]{40,}", "pypi-"),
    rule("huggingface-token", r"hf_[A-Za-z0-9]{30,}", "hf_"),
    rule("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", "sg."),
    rule("digitalocean-token", r"do[opr]_v1_[a-f0-9]{40,}", "_v1_"),
    rule("grafana-token", r"glsa_[A-Za-z0-9_]{20,}|glc_[A-Za-z0-9+/=]{32,}", "glsa_", "glc_"),
    rule("vault-token", r"hv[sbr]\.[A-Za-z0-9_-]{20,}", "hvs.", "hvb.", "hvr."),
    rule("shopify-token", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}", "shp"),
    rule("linear-key", r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}", "lin_"),
    rule("docker-token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}", "dckr_"),
    rule("atlassian-token", r"ATATT3[A-Za-z0-9_=-]{16,}", "atatt3"),
    rule("newrelic-key", r"NRAK-[A-Z0-9]{20,}", "nrak-"),
    rule("sentry-token", r"sntry[su]_[A-Za-z0-9+/=_-]{20,}", "sntry"),
    rule("tavily-key", r"tvly-[A-Za-z0-9-]{16,}", "tvly-"),
    rule("replicate-token", r"r8_[A-Za-z0-9]{30,}", "r8_"),
    rule("groq-key", r"gsk_[A-Za-z0-9]{20,}", "gsk_"),
    rule("xai-key", r"xai-[A-Za-z0-9]{20,}", "xai-"),
    rule("perplexity-key", r"pplx-[A-Za-z0-9]{20,}", "pplx-"),
    rule("databricks-token", r"dapi[a-f0-9]{32}", "dapi"),
    rule("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?", "eyj"),
    rule(
        "authorization",
        rf"{_VALUE}{{3,}}",
        "authorization",
        before=rf"{_HEADER}(?i:bearer|basic|digest|token|negotiate|apikey)\s+",
    ),
    # Without a scheme; one that stands there alone must not pass for the secret.
    rule(
        "authorization",
        r"[^\s\"'\\,;$\[<{]{12,}|[A-Za-z._~+/-]*[0-9][^\s\"'\\,;$\[<{]{3,}",
        "authorization",
        before=_HEADER,
    ),
    rule(
        "bearer-token",
        r"(?:[A-Za-z0-9._~+/-]{20,}|[A-Za-z._~+/-]*[0-9][A-Za-z0-9._~+/-]{5,})=*",
        "bearer",
        before=r"(?i:bearer)\s+",
    ),
    rule(
        "url-password",
        # Up to the last @ of the host's part: a password may hold one.
        r"[^\s/@\"'$\[<{][^\s/\"'\\?#]*",
        "://",
        before=r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"']*:",
        after="@",
    ),
    rule(
        "cookie",
        r"[A-Za-z0-9_.%-]+=[^\s\"'\\;]{4,}[^\"'\\\n]*",
        "cookie",
        before=rf"(?i:cookie){_IS}{_QUOTE}",
    ),
    # On command lines. What lies between never reaches beyond a secret that is masked already.
    rule(
        "password",
        r"[^\s\"'`\\$\[<{][^\s\"'`\\]*",
        "curl",
        before=rf"curl[^\n|;\[]*?\s(?:-u|-U|--user)[ =]*{_QUOTE}[^\s:\"'`\\$\[]+:",
    ),
    rule(
        "password",
        r"[^\s\"'`\\$\[<{][^\s\"'`\\]*",
        "--proxy-user",
        before=rf"--proxy-user[ =]*{_QUOTE}[^\s:\"'`\\$\[]+:",
    ),
    rule(
        "password",
        r"[^\s\"'`\\$\[<{-][^\s\"'`\\]*",
        "sshpass",
        "docker login",
        before=rf"(?:sshpass|docker login)\s[^\n|;&\[]*?-p\s*{_QUOTE}",
    ),
    rule(
        "password",
        rf"{_VALUE}+",
        "mysql",
        "mariadb",
        before=rf"(?:mysql|mysqldump|mysqladmin|mariadb)\s(?:[^\n|;&\[]*?\s)?-p{_QUOTE}",
    ),
    # password=..., --token=..., ?api_key=..., MY_SECRET=...
    rule("secret", rf"{_VALUE}{{3,}}", *_NAMES, before=rf"{_NAMED}="),
    rule("password", rf"{_VALUE}*", *_SPOKEN_NAMES, before=rf"{_PASSWORDS}="),
    # "password": "...", token = '...', API_KEY="...". A quote that is escaped is part of it; in
    # JSON in JSON, where the quotes around it are escaped, that one has three backslashes.
    rule(
        "secret",
        rf"{_FIRST}(?:[^\"\\\n]|\\\\\"[A-Za-z0-9]|\\.)*",
        *_NAMES,
        before=rf"{_NAMED}{_IS}\"",
    ),
    rule("secret", rf"{_FIRST}(?:[^'\\\n]|\\[^nr])*", *_NAMES, before=rf"{_NAMED}{_IS}'"),
    rule("secret", rf"{_FIRST}(?:[^\"\\\n]|\\\\(?:\\\")?)*", *_NAMES, before=rf"{_NAMED}{_IS}\\\""),
    rule("secret", rf"{_FIRST}[^\"'\\\n]*", *_NAMES, before=rf"{_NAMED}{_IS}\\*[\"']"),
    # "password": "$ecret1": a variable has no such name.
    rule(
        "secret",
        r"\$[a-z][^\"'\\\n]*[0-9!@#%^&*+-][^\"'\\\n]*",
        *_NAMES,
        before=rf"{_NAMED}\\*[\"']\s*:\s*\\*[\"']",
    ),
    rule("secret", rf"{_VALUE}{{3,}}", *_NAMES, before=rf"--(?i:[a-z-]*{_NAME})\s+"),
    # x-api-key: ..., Private-Token: ...
    rule(
        "secret",
        rf"{_VALUE}{{3,}}",
        *("key", "token", "secret"),
        before=r"(?i:(?:x-[a-z-]*)?(?:api-?key|-token|-secret))\s*:\s*",
    ),
    # secret: ..., aws_secret_access_key = ..., password: ...
    rule("secret", _RANDOM, *_NAMES, before=rf"{_NAMED}{_ASSIGN}", after=_WORD_ENDS),
    rule("password", _PASSWORD, *_SPOKEN_NAMES, before=rf"{_PASSWORDS}{_ASSIGN}", after=_WORD_ENDS),
    rule(
        "password",
        rf"{_W}{{4,}}",
        *_SPOKEN_NAMES,
        before=rf"{_PASSWORDS}:[ \t]*",
        after=_LINE_ENDS,
    ),
)

HINT = (
    r"sk-|sk_|rk_|A(?:KI|SI|BI|CC)A|gh[pousr]_|github_pat|gl[a-z]+-|xox|xapp-|slack\.com|AIza|ya29"
    r"|whsec|npm_|pypi-|hf_|SG\.|_v1_|gsk_|xai-|pplx-|dapi|eyJ|PRIVATE KEY"
    r"|glsa_|glc_|hv[sbr]\.|shp[a-z]{2}_|lin_|dckr_|ATATT3|NRAK-|sntry|tvly-|r8_"
    r"|curl[^\n]* -|--proxy-user"
    r"|://[^\s/]*@|(?i:bearer|authorization|passw|pwd|passphrase|secret|token|credential|key)"
    r"|(?i:cookie|_pass|dbpass|sshpass|docker login|(?:mysql|mysqldump|mysqladmin|mariadb)\s)"
)
"""Found in every text that a rule could match. No boundaries: it is also asked of texts
that follow each other without a gap."""

_SECRET_NAME = re.compile(
    rf"(?:^|[._-])(?:{_NAME}|pass)$|^(?:x-)?(?:api-?key|auth)$"
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
    seen = _lowered(masked)
    for each in rules:
        # To compile a rule costs a hundred times what it costs to look for its words.
        if any(word.encode() in seen for word in each.words):
            masked = pc.replace_substring_regex(masked, each.pattern, each.replacement)
    return pc.replace_with_mask(texts, suspects, masked.take(coded.indices))


def _lowered(texts: pa.Array) -> bytes:
    data = pc.ascii_lower(texts).buffers()[2]
    return b"" if data is None else bytes(data)


def mask_named(told: Entries) -> pa.Array:
    """Mask the values whose key says that they are secrets (`db.password`, `authorization`)."""
    names = [name for name in map(str, pc.unique(told.keys)) if _SECRET_NAME.search(name)]
    if not names:
        return told.values
    named = pc.is_in(told.keys, value_set=pa.array(names, pa.string()))
    harmless = pc.match_substring_regex(told.values, _HARMLESS)
    secret = pc.and_(named, pc.invert(pc.fill_null(harmless, fill_value=True)))
    return pc.if_else(secret, "[REDACTED:secret]", told.values)


def wrong(pattern: str) -> str | None:
    """Tell what RE2 finds wrong with a pattern; None if it takes it."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error)
    return None
