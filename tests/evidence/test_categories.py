"""An error is of one of a few kinds."""

import pyarrow as pa
import pytest

from agentpond.pipeline.evidence.categories import CATEGORIES, RULES, categories_of
from agentpond.pipeline.evidence.templates import fingerprints_of, templates_of

from .generated import TEMPLATES, generated

TOLD = [
    ("cat: x: No such file or directory", "missing_file"),
    ("File does not exist. Note: your current working directory is /srv/demo-app.", "missing_file"),
    ("FileNotFoundError: [Errno 2] No such file or directory: 'x'", "missing_file"),
    ("bash: line 1: foo: command not found", "missing_command"),
    ("ENOENT: no such file or directory, posix_spawn '/nonexistent/server'", "missing_command"),
    ("ModuleNotFoundError: No module named 'x'", "missing_module"),
    ("Error: Cannot find module './x'", "missing_module"),
    ("bash: ./x: Permission denied", "permission_denied"),
    ("Command timed out after 2m", "timeout"),
    ("http 429", "rate_limit"),
    ("rate limit exceeded: Rate limit reached for gpt-5.5 on tokens per min", "rate_limit"),
    ("Overloaded", "overloaded"),
    ("connect ECONNREFUSED 127.0.0.1:1", "network"),
    ("stream disconnected before completion: Transport error: network error", "network"),
    ("invalid x-api-key", "authentication"),
    ("messages.1.content.0: unexpected tool_use_id found in tool_result", "invalid_request"),
    ("prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
    ("failed to parse function arguments: key must be a string at line 1", "invalid_input"),
    ("write_stdin failed: Unknown process id 424242", "invalid_input"),
    ("String to replace not found in file.", "edit_mismatch"),
    ("File has not been read yet. Read it first before writing to it.", "edit_mismatch"),
    ("apply_patch verification failed: Failed to find expected lines in x.py", "edit_mismatch"),
    ("AssertionError: 1 != 2", "test_failure"),
    ("--- FAIL: TestX (0.00s)", "test_failure"),
    ("SyntaxError: invalid syntax", "syntax_error"),
    ("TypeError: x is not a function", "type_error"),
    ("error[E0382]: borrow of moved value: `x`", "compile_error"),
    ("touch: cannot touch 'src/new.py': Read-only file system", "sandbox"),
    ("approval policy is Never; reject command", "sandbox"),
    ("CONFLICT (content): Merge conflict in x.py", "merge_conflict"),
    ("JavaScript heap out of memory", "out_of_memory"),
    ("ENOSPC: no space left on device, write", "disk_full"),
    ("unsupported call: no_such_tool", "unknown_tool"),
    ("[Request interrupted by user]", "interrupted"),
    ("ticket not found: NOPE-0", "not_found"),
    ("too_few_groups", "other"),
]


# Words of the code under work say nothing of the network and the like.
OF_CODE = [
    ("TypeError: element.classList.add is not a function", "type_error"),
    ("TypeError: useSandbox is not a function", "type_error"),
    ("TypeError: Cannot read properties of undefined (reading networkStatus)", "type_error"),
    ("ReferenceError: setTimeout is not defined", "type_error"),
    ("NameError: name 'proxy_cls' is not defined", "type_error"),
    ("AttributeError: module 'x' has no attribute lossless_mode", "type_error"),
    ("AssertionError: expected timeout to be 5", "test_failure"),
    ("AssertionError: no network, no quota", "test_failure"),
    ("SyntaxError: Unexpected token 'proxy', transport is not valid JSON", "syntax_error"),
    ("ValueError: No closing quotation", "syntax_error"),
    ("TS2339: Property tlsOptions does not exist", "type_error"),
    ("a.ts(1,2): error TS2339: Property 'tls' does not exist on type 'Proxy'.", "type_error"),
    ("a.ts(1,2): error TS1005: timeout expected", "syntax_error"),
    ("a.ts(1,2): error TS6133: the sandbox is declared but its value is not read", "compile_error"),
    ("error[E0382]: borrow of moved value: conn timeout", "compile_error"),
    ("x.c:3:5: error: 'proxy' undeclared (first use in this function)", "compile_error"),
]

# What is of it as a word still is, and as the name of a class.
AS_WORDS = [
    ("TypeError: fetch failed", "network"),
    ("requests.exceptions.SSLError: bad handshake", "network"),
    ("urllib3.exceptions.ProxyError: cannot go on", "network"),
    ("ERR_SSL_WRONG_VERSION_NUMBER", "network"),
    ("a TLS handshake went wrong", "network"),
    ("httpx.ReadTimeout: the read operation", "timeout"),
    ("TimeoutError", "timeout"),
    ("subprocess.TimeoutExpired: Command 'x'", "timeout"),
    ("insufficient_quota: you have none", "rate_limit"),
    ("QuotaExceeded: none is left", "rate_limit"),
    ("denied by the sandbox", "sandbox"),
    ("a.py: error: unrecognized arguments: --x", "other"),
]


def category_of(line: str) -> object:
    return categories_of(templates_of(pa.array([line], pa.string()))).to_pylist()[0]


@pytest.mark.parametrize(("line", "category"), TOLD)
def test_an_error_is_of_a_category(line: str, category: str) -> None:
    found = category_of(line)

    assert found == category


@pytest.mark.parametrize(("line", "category"), OF_CODE)
def test_an_error_of_the_code_is_what_its_language_calls_it(line: str, category: str) -> None:
    found = category_of(line)

    assert found == category


@pytest.mark.parametrize(("line", "category"), AS_WORDS)
def test_a_word_counts_where_it_is_one(line: str, category: str) -> None:
    found = category_of(line)

    assert found == category


@pytest.mark.parametrize(
    "line",
    ["the loss is lossless", "a quotation of it", "useTransports", "networking", "setTimeouts()"],
)
def test_a_word_within_a_word_does_not_count(line: str) -> None:
    found = category_of(line)

    assert found == "other"


def test_errors_of_one_fingerprint_are_of_one_category() -> None:
    errors = generated(20_000, len(TEMPLATES), 7)

    templates = templates_of(pa.array(errors.messages, pa.string()))
    fingerprints = fingerprints_of(templates).to_pylist()
    categories = categories_of(templates).to_pylist()

    pairs = set(zip(fingerprints, categories, strict=True))
    assert len(pairs) == len(set(fingerprints))


@pytest.mark.parametrize(
    "line", ["lost '/srv/timeout/network.py'", "lost 'permission denied'", "lost 429 of 503 items"]
)
def test_values_do_not_decide(line: str) -> None:
    found = category_of(line)

    assert found == "other"


def test_null_stays_null() -> None:
    found = categories_of(pa.array([None, "x"], pa.string())).to_pylist()

    assert found == [None, "other"]


def test_the_categories_are_those_of_the_rules_and_other() -> None:
    named = {category for category, _ in RULES}

    assert sorted(CATEGORIES) == sorted({*named, "other"})


def test_every_category_is_tested() -> None:
    tested = {category for _, category in TOLD}

    assert tested == set(CATEGORIES)
