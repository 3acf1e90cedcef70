"""The report for a person at a terminal."""

from typing import NamedTuple

from surehop.doctor.examining import Report
from surehop.doctor.finding import Finding, Severity
from surehop.doctor.patching import diff_of
from surehop.doctor.render.harmless import harmless, harmless_lines
from surehop.doctor.render.sheets import sheet_text
from surehop.doctor.watching import Change, Event

_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.INFO: "36"}


class Screen(NamedTuple):
    """Where text is shown; `width` in columns."""

    colour: bool = False
    width: int = 96


def as_text(report: Report, screen: Screen) -> str:
    blocks = [sheet_text(each) for each in report.probes if each.by_url]
    blocks += [_block(finding, report, screen) for finding in report.findings]
    return "\n".join([*blocks, summary(report)])


def change_text(change: Change, report: Report, at: str, screen: Screen) -> str:
    """Give what has changed: a finding that is new or worse whole, of another its title."""
    finding = change.finding
    if change.event in {Event.NEW, Event.WORSE}:
        return f"{at} {change.event}\n{_block(finding, report, screen)}\n"
    return f"{at} {change.event}: {harmless(finding.title)} [{finding.id} {finding.name}]\n"


def _block(finding: Finding, report: Report, screen: Screen) -> str:
    where = f"{finding.place}: " if finding.place else ""
    word = finding.severity.word
    if screen.colour:
        word = f"\x1b[{_COLOURS[finding.severity]}m{word}\x1b[0m"
    lines = [f"{harmless(where)}{word}: {harmless(finding.title)} [{finding.id} {finding.name}]"]
    lines += _wrapped("", finding.text, screen)
    lines += [f"  | {harmless(str(q))}" for q in finding.quotes]
    lines += _wrapped("sure: ", f"{finding.confidence}: {finding.because}", screen)
    lines += _wrapped("hint: ", finding.advice, screen)
    if shown := diff_of(finding, report.documents):
        every = harmless_lines(shown).rstrip("\n").split("\n")
        lines += ["    " + _painted(line, colour=screen.colour) for line in every]
    lines += [f"  prove: {harmless(command)}" for command in finding.proof]
    lines += [f"  more: surehop doctor --explain {finding.id}", ""]
    return "\n".join(lines)


def _painted(line: str, *, colour: bool) -> str:
    code = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


def _wrapped(head: str, text: str, screen: Screen) -> list[str]:
    """Fill lines with words; one that is too long has a line of its own."""
    indent = " " * (2 + len(head))
    lines = ["  " + head.rstrip()] if head else []
    for word in harmless(text).split():
        if lines and len(lines[-1]) + 1 + len(word) <= screen.width:
            lines[-1] += " " + word
        else:
            lines.append(indent + word)
    return lines


def summary(report: Report) -> str:
    """Count the findings, in one line."""
    counts = [
        f"{number} {severity.word}{'s' if number > 1 and severity else ''}"
        for severity in reversed(Severity)
        if (number := sum(each.severity is severity for each in report.findings))
    ]
    hidden = f", {report.hidden} kept back" if report.hidden else ""
    return f"{', '.join(counts) or 'nothing found'}{hidden}\n"
