"""The report for a person at a terminal."""

from surehop.doctor.examining import Report
from surehop.doctor.finding import Finding, Severity
from surehop.doctor.patching import diff_of
from surehop.doctor.render.harmless import harmless
from surehop.doctor.render.sheets import sheet_text
from surehop.doctor.watching import Change, Event

_WIDTH = 96
_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.INFO: "36"}


def as_text(report: Report, *, colour: bool) -> str:
    blocks = [sheet_text(each) for each in report.probes if each.by_url]
    blocks += [_block(finding, report, colour=colour) for finding in report.findings]
    return "\n".join([*blocks, _summary(report)])


def change_text(change: Change, report: Report, at: str, *, colour: bool) -> str:
    """Give what has changed: a finding that is new or worse whole, of another its title."""
    finding = change.finding
    if change.event in {Event.NEW, Event.WORSE}:
        return f"{at} {change.event}\n{_block(finding, report, colour=colour)}\n"
    return f"{at} {change.event}: {harmless(finding.title)} [{finding.id} {finding.name}]\n"


def _block(finding: Finding, report: Report, *, colour: bool) -> str:
    where = f"{finding.place}: " if finding.place else ""
    word = finding.severity.word
    if colour:
        word = f"\x1b[{_COLOURS[finding.severity]}m{word}\x1b[0m"
    lines = [f"{harmless(where)}{word}: {harmless(finding.title)} [{finding.id} {finding.name}]"]
    lines += _wrapped("", finding.text)
    lines += [f"  | {harmless(str(q))}" for q in finding.quotes]
    lines += _wrapped("sure: ", f"{finding.confidence}: {finding.because}")
    lines += _wrapped("hint: ", finding.advice)
    for line in diff_of(finding, report.documents).splitlines():
        lines.append("    " + _painted(harmless(line), colour=colour))
    lines += [f"  prove: {harmless(command)}" for command in finding.proof]
    lines += [f"  page: {finding.page}", ""]
    return "\n".join(lines)


def _painted(line: str, *, colour: bool) -> str:
    code = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


def _wrapped(head: str, text: str) -> list[str]:
    """Fill lines with words; one that is too long has a line of its own."""
    indent = " " * (2 + len(head))
    lines = ["  " + head.rstrip()] if head else []
    for word in harmless(text).split():
        if lines and len(lines[-1]) + 1 + len(word) <= _WIDTH:
            lines[-1] += " " + word
        else:
            lines.append(indent + word)
    return lines


def _summary(report: Report) -> str:
    counts = [
        f"{number} {severity.word}{'s' if number > 1 and severity else ''}"
        for severity in reversed(Severity)
        if (number := sum(each.severity is severity for each in report.findings))
    ]
    hidden = f", {report.hidden} kept back" if report.hidden else ""
    return f"{', '.join(counts) or 'nothing found'}{hidden}\n"
