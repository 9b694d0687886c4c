"""Turn results into a table to read, JSON to keep, or JUnit for a build server."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import StringIO
from itertools import groupby
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .model import Outcome, Result
from .rules import BY_NUMBER

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLES = {Outcome.PASS: "green", Outcome.FAIL: "bold red", Outcome.NOT_APPLICABLE: "dim"}


def table(results: Sequence[Result], width: int | None = None) -> str:
    """Draw one line for each rule, then what failed, then why rules were not applicable."""
    out = StringIO()
    console = Console(file=out, width=width or 110, force_terminal=False)
    draw(results, console)
    return out.getvalue()


def draw(results: Sequence[Result], console: Console) -> None:
    """Draw the table on a console, with colours where it has them."""
    drawn = Table(show_edge=False, pad_edge=False)
    for name in ("rule", "level", "what the rule says", "result", "pass", "fail", "n/a"):
        drawn.add_column(
            name, justify="right" if name in {"rule", "pass", "fail", "n/a"} else "left"
        )
    for number, cases in by_rule(results):
        rule, counts = BY_NUMBER[number], Counter(case.outcome for case in cases)
        end = outcome(cases)
        numbers = (str(counts[each] or "") for each in Outcome)
        told = Text(_ended(number, cases), style=_STYLES[end])
        drawn.add_row(str(number), rule.level.value, Text(rule.text), told, *numbers)
    console.print(drawn)
    for line in (*_failures(results), *_silent(results), "", summary(results)):
        console.print(Text(line), soft_wrap=True)


def _ended(number: int, cases: Sequence[Result]) -> str:
    """Name the outcome, and how weak a failure is where the rule's own level was kept."""
    end, level = outcome(cases), BY_NUMBER[number].level
    failed = {case.level for case in cases if case.outcome is Outcome.FAIL}
    weaker = end is Outcome.FAIL and level not in failed
    return f"{end} ({', '.join(sorted(failed))})" if weaker else end.value


def outcome(cases: Sequence[Result]) -> Outcome:
    """Sum up a rule: one failure fails it, one pass makes it apply."""
    found = {case.outcome for case in cases}
    order = (Outcome.FAIL, Outcome.PASS, Outcome.NOT_APPLICABLE)
    return next(each for each in order if each in found)


def by_rule(results: Sequence[Result]) -> Iterator[tuple[int, list[Result]]]:
    """Yield each rule with its results, in order."""
    ordered = sorted(results, key=lambda result: result.rule)
    for number, cases in groupby(ordered, key=lambda result: result.rule):
        yield number, list(cases)


def summary(results: Sequence[Result]) -> str:
    """Count rules and checks in a sentence."""
    rules = Counter(outcome(cases) for _, cases in by_rule(results))
    checks = Counter(result.outcome for result in results)
    return (
        f"{rules[Outcome.PASS]} rules kept, {rules[Outcome.FAIL]} broken, "
        f"{rules[Outcome.NOT_APPLICABLE]} not applicable; {checks[Outcome.PASS]} checks passed, "
        f"{checks[Outcome.FAIL]} failed, {checks[Outcome.NOT_APPLICABLE]} did not apply."
    )


def _failures(results: Sequence[Result]) -> Iterator[str]:
    """Tell what failed, with all the ways in which the same thing failed in one place."""
    for number, cases in by_rule(results):
        failed = [case for case in cases if case.outcome is Outcome.FAIL]
        if not failed:
            continue
        yield from ("", f"{number} {BY_NUMBER[number].text} ({BY_NUMBER[number].source})")
        for (words, level, why), same in _alike(failed).items():
            yield f"  {level}: {words}: {why}."
            yield f"    {_where(same)}"
            yield f"    came: {same[0].came}"


def _alike(failed: Sequence[Result]) -> dict[tuple[str, str, str], list[Result]]:
    found: dict[tuple[str, str, str], list[Result]] = {}
    for case in failed:
        found.setdefault((case.words, case.level.value, case.why), []).append(case)
    return found


def _where(same: Sequence[Result]) -> str:
    """Name the endpoints, transports, signals and compressions, each once."""
    kinds = ("endpoint", "transport", "signal", "compression")
    named = (", ".join(dict.fromkeys(str(getattr(each, kind)) for each in same)) for kind in kinds)
    return f"{len(same)} x: {'; '.join(named)}"


def _silent(results: Sequence[Result]) -> Iterator[str]:
    """Say why a rule has no result at all."""
    found = [
        f"{number}: {'; '.join(dict.fromkeys(case.why for case in cases))}"
        for number, cases in by_rule(results)
        if outcome(cases) is Outcome.NOT_APPLICABLE
    ]
    if found:
        yield from ("", "Not applicable", *(f"  {line}" for line in found))


def json_text(results: Sequence[Result]) -> str:
    """Write everything: each rule, and each check with what was sent and what came back."""
    rules = [
        {
            "rule": number,
            "level": BY_NUMBER[number].level,
            "text": BY_NUMBER[number].text,
            "source": BY_NUMBER[number].source,
            "outcome": outcome(cases),
            "cases": [asdict(case) for case in cases],
        }
        for number, cases in by_rule(results)
    ]
    return json.dumps({"summary": summary(results), "rules": rules}, indent=1) + "\n"


def junit(results: Sequence[Result]) -> str:
    """Write JUnit's XML: a suite for each rule, a test case for each check."""
    root = ET.Element("testsuites", name="agentpond conformance")
    for number, cases in by_rule(results):
        rule, counts = BY_NUMBER[number], Counter(case.outcome for case in cases)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"{number} {rule.text}",
            tests=str(len(cases)),
            failures=str(counts[Outcome.FAIL]),
            errors="0",
            skipped=str(counts[Outcome.NOT_APPLICABLE]),
        )
        for case in cases:
            _test_case(suite, case)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _test_case(suite: ET.Element, case: Result) -> None:
    way = " ".join(each for each in (case.transport, case.signal, case.compression) if each)
    name = _clean(": ".join(each for each in (way, case.words, case.level) if each))
    told = ET.SubElement(suite, "testcase", classname=f"rule.{case.rule}", name=name)
    if case.outcome is Outcome.FAIL:
        failure = ET.SubElement(told, "failure", message=_clean(case.why), type=case.level)
        failure.text = _clean(f"{case.endpoint}\nsent: {case.sent}\ncame: {case.came}")
    elif case.outcome is Outcome.NOT_APPLICABLE:
        ET.SubElement(told, "skipped", message=_clean(case.why))


def _clean(text: str) -> str:
    """Leave out what XML cannot hold, however well it is escaped."""
    return _NOT_XML.sub("?", text)
