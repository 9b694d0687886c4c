"""Of a message it is the line that tells what went wrong that counts."""

import pyarrow as pa
import pytest

from agentpond.pipeline.evidence.messages import MAX_LENGTH, lines_of

PYTHON = """Traceback (most recent call last):
  File "a.py", line 3, in <module>
    f()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 5, in <module>
    g()
foo.bar.BazError: boom
"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 2, in f
    | ValueError: deep
    +------------------------------------"""
NODE = """node:internal/modules/cjs/loader:1148
  throw err;
  ^

Error: Cannot find module './x'
Require stack:
- /srv/a.js
    at Module._resolveFilename (node:internal)
  code: 'MODULE_NOT_FOUND'"""
JAVA = """Exception in thread "main" java.lang.RuntimeException: outer
\tat A.b(A.java:3)
Caused by: java.io.IOException: middle
\tat C.d(C.java:4)
Caused by: java.net.ConnectException: Connection refused
\t... 3 more"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/srv/main.go:8 +0x1d
exit status 2"""
RUST = """thread 'main' panicked at src/main.rs:4:5:
attempt to divide by zero
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"""
RUBY = """a.rb:3:in 'foo': undefined local variable or method 'x' for main (NameError)
\tfrom a.rb:6:in '<main>'"""
PYTEST = """=== FAILURES ===
____ test_a ____
    def test_a():
>       x()
E       ValueError: bad
E         more of it

a.py:3: ValueError
=== short test summary info ===
FAILED a.py::test_a - ValueError: bad
=== 1 failed in 0.02s ==="""
SUMMARY = """=== short test summary info ===
FAILED a.py::test_a - ValueError: bad
=== 1 failed in 0.02s ==="""
UNITTEST = """F
======================================================================
FAIL: test_x (tests.T.test_x)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "t.py", line 5, in test_x
    self.assertEqual(1, 2)
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1)"""
RUSTC = """   Compiling x v0.1.0
error[E0308]: mismatched types
 --> src/main.rs:2:18
  |
2 |     let x: i32 = "a";

error: aborting due to 1 previous error

For more information about this error, try `rustc --explain E0308`.
error: could not compile `x` (bin "x") due to 1 previous error"""
TSC = """> x@1.0.0 build
> tsc

src/a.ts(12,5): error TS2339: Property 'x' does not exist on type 'Y'.
src/b.ts(1,1): error TS2304: Cannot find name 'z'.
npm ERR! code ELIFECYCLE"""
GCC = """x.c: In function 'main':
x.c:3:5: error: 'y' undeclared (first use in this function)
x.c:3:5: note: each undeclared identifier is reported only once
make: *** [Makefile:2: x] Error 1"""
VET = """# example.com/x
./main.go:12:2: undefined: foo"""
GO_TEST = """--- FAIL: TestX (0.00s)
    x_test.go:12: got 1, want 2
FAIL
exit status 1
FAIL\texample.com/x\t0.002s"""
ESLINT = """
/srv/app/a.js
  12:5  error  'x' is not defined  no-undef
  14:1  warning  y  no-console

2 problems (1 error, 1 warning)"""
YARN = """yarn run v1.22
$ jest
Error: no test found
error Command failed with exit code 2.
info Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command."""
JSON = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
RESPONSE = '{"response":{"id":"r","error":{"code":"x","message":"Rate limit reached"}}}'
PRETTY = '{\n  "error": {\n    "message": "a \\"bad\\" thing"\n  }\n}'
NESTED = '{"error":{"message":"{\\"error\\":{\\"message\\":\\"inner\\"}}"}}'


def line_of(message: str | None) -> object:
    return lines_of(pa.array([message], pa.string())).to_pylist()[0]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        pytest.param(PYTHON, "foo.bar.BazError: boom", id="python"),
        pytest.param(GROUP, "ValueError: deep", id="exception-group"),
        pytest.param(NODE, "Error: Cannot find module './x'", id="node"),
        pytest.param(JAVA, "java.net.ConnectException: Connection refused", id="java"),
        pytest.param(GO, "panic: runtime error: index out of range [5] with length 3", id="go"),
        pytest.param(RUST, "attempt to divide by zero", id="rust"),
        pytest.param(RUBY, RUBY.splitlines()[0], id="ruby"),
    ],
)
def test_of_a_traceback_it_is_the_exception(message: str, line: str) -> None:
    found = line_of(message)

    assert found == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        pytest.param(PYTEST, "ValueError: bad", id="pytest"),
        pytest.param(SUMMARY, "FAILED a.py::test_a - ValueError: bad", id="summary"),
        pytest.param(UNITTEST, "AssertionError: 1 != 2", id="unittest"),
        pytest.param(GO_TEST, "x_test.go:12: got 1, want 2", id="go-test"),
        pytest.param(RUSTC, "error[E0308]: mismatched types", id="rustc"),
        pytest.param(TSC, TSC.splitlines()[3], id="tsc"),
        pytest.param(GCC, GCC.splitlines()[1], id="gcc"),
        pytest.param(VET, "./main.go:12:2: undefined: foo", id="go-vet"),
        pytest.param(ESLINT, "12:5  error  'x' is not defined  no-undef", id="eslint"),
    ],
)
def test_of_a_compiler_or_a_test_run_it_is_the_first_error(message: str, line: str) -> None:
    found = line_of(message)

    assert found == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Exit code 1\ncat: x: No such file or directory", "cat: x: No such file or directory"),
        ("built\nfatal: not a git repository: .git\ndone", "fatal: not a git repository: .git"),
        ("Exit code 2\nsome output\nmore", "more"),
        ("make: *** [Makefile:2: test] Error 1\nFAILED (failures=1)\nboo", "boo"),
        (YARN, "Error: no test found"),
        ("0 errors\nwarning: old\ncannot open it", "cannot open it"),
    ],
)
def test_of_a_shell_it_is_the_first_line_that_speaks_of_an_error(message: str, line: str) -> None:
    found = line_of(message)

    assert found == line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (JSON, "Overloaded"),
        (f"API Error: 529 {JSON}", "API Error: 529 Overloaded"),
        (RESPONSE, "Rate limit reached"),
        ("Error code: 429 - {'error': {'message': 'slow', 'type': 'x'}}", "Error code: 429 - slow"),
        (PRETTY, 'a "bad" thing'),
        (NESTED, "inner"),
        ('{"detail":"no such thing"}', "no such thing"),
        ('{"a":1}', '{"a":1}'),
    ],
)
def test_of_json_it_is_what_the_error_says(message: str, line: str) -> None:
    found = line_of(message)

    assert found == line


def test_colours_and_white_space_around_it_are_taken_away() -> None:
    found = line_of("  \x1b[31merror\x1b[0m: \x1b[1mbad\x1b[0m \r\n")

    assert found == "error: bad"


def test_tags_around_it_are_taken_away() -> None:
    found = line_of("<tool_use_error>File does not exist.</tool_use_error>")

    assert found == "File does not exist."


def test_a_message_that_is_only_a_trailer_stays() -> None:
    found = line_of("Exit code 1")

    assert found == "Exit code 1"


def test_null_stays_null() -> None:
    found = line_of(None)

    assert found is None


def test_a_line_is_bounded() -> None:
    found = line_of("x" * 2 * MAX_LENGTH)

    assert found == "x" * MAX_LENGTH


def test_the_line_does_not_depend_on_the_messages_beside_it() -> None:
    messages = [PYTHON, GROUP, NODE, JAVA, GO, RUST, PYTEST, UNITTEST, RUSTC, JSON, PRETTY, "x", ""]

    together = lines_of(pa.array(messages, pa.string())).to_pylist()

    assert together == [line_of(message) for message in messages]
