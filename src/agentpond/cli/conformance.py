"""Read the words of `agentpond conformance`; ``conforming`` does what they say."""

# ruff: noqa: PLC0415 - the suite loads gRPC, and --help must not wait for that

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

_MEBIBYTE = 1024**2
_FAILED = 1
_WRONG = 2


class ReportFormat(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"


class SignalName(StrEnum):
    """The signals that can be asked for."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


Endpoints = Annotated[
    list[str],
    typer.Argument(
        metavar="ENDPOINT...",
        help="http://HOST:4318, grpc://HOST:4317, https:// and grpcs:// for TLS; "
        "the host alone is both.",
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(help="A header for every request, 'Authorization: Bearer x'; repeatable."),
]
CaFile = Annotated[Path | None, typer.Option(help="Trust this authority (PEM).")]
ClientCert = Annotated[Path | None, typer.Option(help="Show this certificate (PEM).")]
ClientKey = Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")]
Rules = Annotated[list[int] | None, typer.Option(help="Only the rule of this number; repeatable.")]
Signals = Annotated[list[SignalName] | None, typer.Option(help="Only this signal; repeatable.")]
Form = Annotated[ReportFormat, typer.Option("--format", "-f", help="How to write the report.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Where to write.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")]
Limit = Annotated[
    int, typer.Option(min=1024, max=2**30, help="The limit the receiver is set to, in bytes.")
]
Busy = Annotated[
    bool, typer.Option("--busy", help="The receiver is set up to refuse everything for now.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Send no bodies over the limit.")]


def conformance(  # noqa: PLR0913 - each is an option
    endpoints: Endpoints,
    *,
    header: Headers = None,
    ca_file: CaFile = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    rule: Rules = None,
    signal: Signals = None,
    form: Form = ReportFormat.TABLE,
    output: Output = None,
    timeout: Timeout = 5.0,
    max_request_bytes: Limit = 64 * _MEBIBYTE,
    busy: Busy = False,
    quick: Quick = False,
) -> None:
    """Hold an OTLP receiver, ours or another's, against the rules of OTLP.

    It sends telemetry of a service named otlp-conformance: do not point it at what you keep.
    """
    from ..conformance import Signal, Unreachable, UsageError, Wanted
    from .conforming import Told, failed, known_rules, try_receiver, write_report

    if output is not None and not output.parent.is_dir():
        _wrong(f"there is no folder {output.parent} for --output. Make it first.")
    if output is not None and output.is_dir():
        _wrong(f"--output {output} is a folder. Name a file in it.")
    try:
        signals = tuple(Signal(each) for each in signal or SignalName)
        wanted = Wanted(signals, known_rules(rule or ()), max_request_bytes, busy=busy, quick=quick)
        told = Told(endpoints, header or (), ca_file, client_cert, client_key, timeout)
        results = try_receiver(told, wanted)
        write_report(results, form, output)
    except (UsageError, Unreachable, OSError) as error:
        _wrong(str(error))
    if failed(results):
        raise typer.Exit(_FAILED)


def _wrong(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(_WRONG)
