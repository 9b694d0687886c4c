"""The 47 rules an OTLP receiver keeps, each with its level and where it is written.

`spec N` is line N of `docs/specification.md` of open-telemetry/opentelemetry-proto, `x.proto N`
a line of that file, both at commit ac2c4b5 (specification 1.11.0). `practice` marks what the
specification does not ask for, but without which data is lost or nobody learns why.
"""

from dataclasses import dataclass

from .model import Level

MUST, SHOULD, MAY, SAYS, PRACTICE = Level


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number, level, sentence and source."""

    number: int
    level: Level
    text: str
    source: str


RULES = (
    Rule(1, MUST, "Take bodies that are not compressed, and gzip.", "spec 90"),
    Rule(2, MUST, "Limit the size of requests, also after inflating.", "spec 121, 518"),
    Rule(
        3,
        MUST,
        "Over the limit: RESOURCE_EXHAUSTED without RetryInfo; HTTP 413.",
        "spec 127, 522",
    ),
    Rule(4, MUST, "Limit the size of responses (4 MiB recommended).", "spec 193, 544"),
    Rule(
        5, MUST, "Full success: the response message, partial_success unset.", "spec 214, 220, 574"
    ),
    Rule(6, SHOULD, "An empty request succeeds.", "spec 211, 571"),
    Rule(
        7,
        MUST,
        "Part accepted: success, with the exact count of what was rejected.",
        "spec 225, 586",
    ),
    Rule(8, SHOULD, "A partial success says in words why, and what to do.", "spec 239, 599"),
    Rule(9, MUST, "A warning has rejected = 0 and a message.", "spec 245, 605"),
    Rule(
        10,
        SAYS,
        "Passing trouble is no partial success: that is never sent again.",
        "spec 250, 610",
    ),
    Rule(11, MAY, "Empty envelopes may be ignored.", "spec 745"),
    Rule(12, SAYS, "Duplicates after a lost answer are lived with.", "spec 753"),
    Rule(
        13,
        MUST,
        "Work with all versions: unknown fields, every kind of AnyValue, event_name.",
        "spec 771",
    ),
    Rule(14, SAYS, "The Export services of the three signals are there.", "spec 97, 413"),
    Rule(15, SHOULD, "Take concurrent unary calls; do not make one wait for another.", "spec 149"),
    Rule(16, SHOULD, "Passing trouble is UNAVAILABLE.", "spec 270"),
    Rule(17, SHOULD, "Bad data is INVALID_ARGUMENT (recommended).", "spec 289"),
    Rule(18, SAYS, "What will never succeed has a code that clients do not retry.", "spec 311"),
    Rule(
        19,
        SHOULD,
        "Back-pressure is UNAVAILABLE with RetryInfo and a delay of use.",
        "spec 354, 407",
    ),
    Rule(20, PRACTICE, "No request ends in UNKNOWN: its data would be dropped.", "practice"),
    Rule(21, PRACTICE, "RetryInfo travels in the trailer grpc-status-details-bin.", "practice"),
    Rule(22, SAYS, "POST to /v1/traces, /v1/metrics and /v1/logs.", "spec 432, 496"),
    Rule(
        23, MAY, "HTTP/1.1 or HTTP/2; connections are kept, and many come at once.", "spec 433, 694"
    ),
    Rule(24, SHOULD, "Protobuf and JSON on one port, told apart by Content-Type.", "spec 696"),
    Rule(25, MAY, "gRPC and HTTP on one port.", "spec 701"),
    Rule(26, MUST, "The response has the request's Content-Type.", "spec 442, 485, 556"),
    Rule(27, MAY, "The response may be gzip if the client accepts it.", "spec 562"),
    Rule(28, MUST, "Success is 200.", "spec 574, 588"),
    Rule(
        29,
        MUST,
        "Every 4xx and 5xx body is a Status that describes the problem.",
        "spec 559, 619, 628",
    ),
    Rule(30, MUST, "Bad data is 400, with BadRequest in the details.", "spec 653"),
    Rule(31, SHOULD, "Overload is 429 or 503, with Retry-After if anything.", "spec 665"),
    Rule(
        32,
        SAYS,
        "Only 429, 502, 503 and 504 are retried: nothing is answered 500.",
        "spec 638",
    ),
    Rule(
        33,
        PRACTICE,
        "Mistakes of HTTP are answered as HTTP has it: 404, 405, 411, 415, 100-continue, ...",
        "practice; spec 679",
    ),
    Rule(
        34,
        MUST,
        "JSON: trace and span ids are hex of either case, not base64; other bytes are.",
        "spec 451",
    ),
    Rule(35, MUST, "JSON: enums are integers; names are refused.", "spec 460"),
    Rule(36, MUST, "JSON: unknown fields are ignored.", "spec 468"),
    Rule(
        37,
        SAYS,
        "JSON: keys are lowerCamelCase; snake_case is unknown, and warned of.",
        "spec 473; practice",
    ),
    Rule(38, SAYS, "JSON: 64-bit integers are text or numbers.", "spec 480"),
    Rule(
        39,
        PRACTICE,
        "JSON: null is the default, NaN and Infinity are text, 1.0e3 is whole, {} is empty.",
        "ProtoJSON",
    ),
    Rule(
        40,
        SHOULD,
        "A log record with invalid ids is taken, as not associated.",
        "logs.proto 195, 209",
    ),
    Rule(41, SAYS, "A span without valid ids is rejected alone.", "trace.proto 92, 100"),
    Rule(42, SHOULD, "A data point with time 0 is rejected.", "metrics.proto 176"),
    Rule(
        43,
        MUST,
        "FLAG_NO_RECORDED_VALUE needs no value; unspecified temporality breaks nothing.",
        "metrics.proto 296, 330, 376",
    ),
    Rule(44, SHOULD, "A strindex outside of profiles is no error.", "common.proto 42, 89"),
    Rule(45, MUST, "Reserved flag bits are not taken to be zero.", "trace.proto 133, 358"),
    Rule(46, SAYS, "Attribute keys told twice break nothing.", "common.proto"),
    Rule(
        47,
        SAYS,
        "An all-default partial_success equals an unset one.",
        "logs_service.proto 56",
    ),
)

BY_NUMBER = {rule.number: rule for rule in RULES}
BUSY_RULES = frozenset({10, 16, 19, 21, 31, 32})
"""What is seen while the receiver refuses everything; 32 is also seen when it does not."""

GRPC_RULES = frozenset(range(14, 22))
HTTP_RULES = frozenset(range(22, 40)) - {25}
