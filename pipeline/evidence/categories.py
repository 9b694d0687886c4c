"""Turn templates of errors into one word each for what kind of error it is.

The words are a closed list. Rules are tried in order, and the first that matches decides. They
see what fingerprints are made of, so that errors of one fingerprint are of one kind; what is
masked is `_` to them.
"""

import pyarrow as pa
import pyarrow.compute as pc

from ..session.groups import mask_of
from .shapes import ANY
from .templates import alike

OTHER = "other"

Rule = tuple[str, str]
"""A category, and a pattern (RE2, case ignored) of the templates that are of it."""

# A number is a status only where it says so: any other may be anything.
_STATUS = r"(?:http[/.0-9]*|status|error|code|errno)\W{0,3}(?:code\W{0,2})?"

# What a language or a compiler calls an error decides before the words in it: those are of the
# code under work. But by the first, Node and browsers tell that a server was not reached.
_OF_CODE: tuple[Rule, ...] = (
    ("network", r"\btypeerror: (?:fetch failed|failed to fetch|networkerror|load failed)"),
    ("missing_module", r"\bts2307\b"),
    ("syntax_error", r"\b(?:syntaxerror|indentationerror|taberror)\b|\bts1\d{3}\b"),
    (
        "type_error",
        (
            r"\b(?:typeerror|attributeerror|referenceerror|nameerror|unboundlocalerror)\b"
            r"|\bts2\d{3}\b|\be0308\b"
        ),
    ),
    ("compile_error", r"\berror\[e\d|\berror ts\d|^ts\d{4}\b"),
    ("test_failure", r"\bassertionerror\b"),
)

RULES: tuple[Rule, ...] = (
    *_OF_CODE,
    # `argparse` and the like: a program's own words, not a compiler's.
    (
        OTHER,
        (
            "^_: error: (?:the following argument|unrecogni[sz]ed argument|argument "
            "|ambiguous option|no such option|unknown option|invalid choice)"
        ),
    ),
    (
        "interrupted",
        (
            "interrupted by user|user (?:rejected|interrupted|cancell?ed|abort)|keyboardinterrupt"
            r"|request (?:was )?abort|aborterror|\bsigint\b|operation was (?:cancell?ed|aborted)"
        ),
    ),
    (
        "edit_mismatch",
        (
            "string to replace not found|has not been read yet|has been modified since read"
            "|modified since (?:it was )?(?:last )?read|matches of the string to replace|old_string"
            "|no match(?:es)? found for (?:old|the) |apply_patch verification failed"
            "|failed to find (?:expected lines|context)|invalid (?:patch|context at|hunk)"
            r"|patch (?:failed|does not apply)|hunk _ failed|does not match index"
        ),
    ),
    (
        "sandbox",
        (
            r"\bsandbox(?:ed|_\w+)?\b|(?-i:Sandbox(?:Error|Exception|Violation)\b)"
            r"|seatbelt|landlock|seccomp|read-only file system|\berofs\b|approval policy"
            "|escalated permissions|operation not permitted"
        ),
    ),
    (
        "unknown_tool",
        (
            "no such tool|unsupported call|unknown (?:tool|skill|function call)"
            r"|\btool\b.*\b(?:not found|does not exist|is not available)|method not found|-32601"
        ),
    ),
    (
        "invalid_input",
        (
            "failed to parse (?:function )?arguments?|inputvalidationerror"
            r"|invalid (?:tool )?(?:arguments?|params|parameters|input)\b"
            "|missing required (?:parameter|argument|field)|-32602|required parameter"
            "|unexpected parameter|missing field|validation errors? for"
            "|did not match (?:the )?schema|failed to deserialize|unknown process id"
        ),
    ),
    (
        "context_length",
        (
            "prompt is too long|context[ _](?:length|window|limit)|maximum context"
            "|too many (?:input )?tokens?|exceeds? (?:the )?(?:maximum )?(?:allowed )?(?:context"
            "|tokens?|number of tokens?)|exceeds maximum allowed|input is too long"
            "|max_tokens.*exceed"
        ),
    ),
    (
        "rate_limit",
        (
            rf"rate.?limit|too many requests|{_STATUS}429\b|throttl|\b(?:\w+_)?quotas?(?:_\w+)?\b"
            "|(?-i:Quota[A-Z])|usage limit|rate exceeded|tokens? per min|requests per min"
            "|resource_exhausted|slow down"
        ),
    ),
    (
        "overloaded",
        (
            rf"overloaded|{_STATUS}529\b|{_STATUS}503\b|service unavailable|at capacity"
            "|server is busy"
            "|temporarily unavailable|try again later"
        ),
    ),
    (
        "authentication",
        (
            rf"authenticat|{_STATUS}401\b|unauthori[sz]ed|api[ _-]?key|not logged in|login required"
            "|token (?:has )?expired|expired token|invalid (?:credentials|token|bearer)|credentials"
            r"|password|credit balance|oauth|access denied for (?:user|_)"
            r"|permission denied \(publickey"
            "|could not read username"
        ),
    ),
    (
        "out_of_memory",
        (
            "out of ?memory|heap out of|memoryerror|heap space|cannot allocate|unable to allocate"
            r"|oomkill|\benomem\b|oom-?kill|low on resource: memory|heap limit"
        ),
    ),
    (
        "disk_full",
        (
            r"no space left|\benospc\b|disk (?:is )?full|disk quota|\bedquot\b"
            "|not enough (?:disk )?space"
        ),
    ),
    (
        "merge_conflict",
        (
            r"merge conflict|^conflict \(|could not apply|would be overwritten by|unmerged"
            "|needs merge|not possible because you have unmerged|failed to push some refs"
            "|non-fast-forward|cannot rebase|divergent branches"
        ),
    ),
    (
        "timeout",
        (
            r"\btimed?[ -]?out\b|\btimeouts?\b|\btimeout(?:error|exception|expired)\b"
            r"|(?-i:\b[A-Z]\w*Timeout(?:Error|Exception|Expired)?\b|\b[A-Z_]+_TIMEOUT\b)"
            rf"|deadline exceeded|\betimedout\b|\bsigalrm\b|{_STATUS}504\b"
            rf"|{_STATUS}408\b"
        ),
    ),
    (
        "network",
        (
            r"\beconn|\benotfound|connectionerror|max retries exceeded|eai_again|epipe|ehostunreach"
            "|enetunreach|connection (?:refused|reset|error|aborted|closed|timed|lost)"
            "|could not resolve|no such host|name or service not known|name resolution"
            r"|\b(?:networks?|transport|tls|ssl|proxy)\b|(?-i:\bERR_(?:SSL|TLS|NETWORK|PROXY)\w*)"
            r"|(?-i:\b\w*(?:Network|Transport|TLS|SSL|Proxy)\w*(?:Error|Exception|Exhausted)\b)"
            "|unreachable|dial tcp|socket hang|stream (?:disconnected|closed|error)"
            rf"|certificate|x509|{_STATUS}502\b|bad gateway|broken pipe"
            "|address already in use|eaddrinuse|failed to connect|couldn't connect|cannot connect"
            r"|unable to connect|connect error|fetch failed|disconnected|http2|\bunexpected eof\b"
        ),
    ),
    (
        "missing_module",
        (
            "no module named|modulenotfound|cannot find (?:module|package)|module not found"
            "|cannot import name|importerror|could not (?:find|resolve) (?:module|package|a version"
            "|dependency)|no matching distribution|unresolved import|can't resolve"
            "|unable to locate package|no required module|classnotfound|noclassdeffound"
            "|could not find _ in |satisfies the requirement|failed to resolve import"
            "|err_module_not_found"
            "|use of undeclared crate|package .* (?:is not in|not found|does not exist)"
            "|is not in (?:this|the npm) registry|cannot load such file"
            "|unable to resolve dependency"
            "|which is incompatible|failed to select a version"
        ),
    ),
    (
        "missing_command",
        (
            "command not found|: not found$|is not recognized as an internal"
            "|executable file not found|no such command|unknown command|missing script"
            r"|spawn\b.* enoent|posix_spawn|not installed|unable to find executable"
            "|no rule to make target"
        ),
    ),
    ("merge_conflict", "automatic merge failed"),
    (
        "syntax_error",
        (
            "syntax ?error|no closing quotation|unexpected (?:token|end of|indent|eof"
            "|identifier)|parse error|parsing error|unterminated|missing semicolon|jsondecodeerror"
            r"|not valid json|invalid json|\bexpected _ (?:before|after)|scannererror"
            r"|parsererror|\berror: expected|unmatched|unclosed"
            "|mapping values? is not allowed"
        ),
    ),
    (
        "type_error",
        (
            "type ?error|mismatched types|incompatible types"
            "|has no attribute|is not assignable|incompatible type|cannot be converted|not callable"
            "|is not a function|cannot read propert|nullpointer|nil pointer|cannot use .* as"
            r"|type mismatch|\[(?:assignment|arg-type|attr-defined|return-value|union-attr|call-arg"
            r"|index|operator)\]$"
        ),
    ),
    (
        "compile_error",
        (
            r"\berror (?:c|cs|lnk|msb)\d|undeclared|undefined reference"
            "|was not declared|cannot find (?:symbol|name|value)|: undefined: "
            "|declared and not used"
            "|imported and not used|compilation|could not compile|build failed|failed to compile"
            "|linker|ld returned|linking with|rollup failed|failed building wheel|cmake error"
            "|borrow"
            "|missing return|^_: (?:fatal )?error: |compilejava|no method named|but unused"
            "|never used|line too long|no-unused"
        ),
    ),
    (
        "test_failure",
        (
            r"assertion|^(?:e +)?assert |expect\(|--- fail|^failed _(?: - |$)|tests? failed"
            "|failing tests?"
            r"|test failed|\b_ failed,|failed, _ passed|but (?:got|was) |fixture .* not found"
            r"|lists differ|\bgot .*\bwant |failures="
        ),
    ),
    (
        "permission_denied",
        (
            r"permission denied|permissionerror|\beacces\b|\beperm\b|access (?:is )?denied"
            rf"|accessdenied|forbidden|{_STATUS}403\b|not permitted|not allowed"
            "|insufficient (?:permission|privilege)|must be (?:root|superuser)|requires? approval"
            "|was denied|protected branch"
        ),
    ),
    (
        "missing_file",
        (
            r"no such file|file does not exist|filenotfound|\benoent\b|cannot (?:open|stat|find"
            r"|access) (?:file|the file|the path|_)|file not found|path does not exist"
            "|directory (?:does not exist|not found)|cannot find the (?:file|path)"
            "|did not match any file|is a directory|not a directory|eisdir|enotdir|notadirectory"
            "|isadirectory|no such directory"
        ),
    ),
    (
        "invalid_request",
        (
            rf"invalid.?request|bad request|{_STATUS}400\b|{_STATUS}413\b|{_STATUS}422\b|too large"
            "|unprocessable|unexpected .?tool_use_id|unexpected _ found in _ block|tool_result"
            "|tool_use|unsupported (?:value"
            "|parameter|model)|invalid value|invalid_|must be (?:less|greater|at least|one of)"
        ),
    ),
    (
        "not_found",
        (
            rf"not found|{_STATUS}404\b|does ?n(?:o|')t exist|does not exist|no such"
            "|unknown revision"
            "|notfound|did not match|could not find|unable to find|is not defined"
            r"|not a git repository|unknown \w+|keyerror|lookuperror"
        ),
    ),
)

CATEGORIES = (*sorted({category for category, _ in RULES} - {OTHER}), OTHER)
"""All that a category may be."""


def categories_of(templates: pa.StringArray) -> pa.StringArray:
    """Give each template's category; `other` where no rule knows it, NULL for NULL."""
    distinct = alike(templates).dictionary_encode()
    texts = pc.replace_substring(distinct.dictionary, ANY, "_")
    category = pa.nulls(len(texts), pa.string())
    for name, pattern in RULES:
        open_ = pa.array(mask_of(pc.is_null(category)))
        left = texts.filter(open_)
        found = pc.if_else(
            pc.match_substring_regex(left, f"(?i){pattern}"),
            pa.scalar(name),
            pa.scalar(None, pa.string()),
        )
        category = pc.replace_with_mask(category, open_, found)
    return pc.coalesce(category, pa.scalar(OTHER)).take(distinct.indices)
