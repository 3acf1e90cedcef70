"""The report as JSON."""

import json
from typing import Any

from surehop.doctor.baseline import fingerprint
from surehop.doctor.examining import Report
from surehop.doctor.finding import Finding
from surehop.doctor.patching import diff_of
from surehop.doctor.render.harmless import harmless_lines
from surehop.doctor.render.sheets import sheet_data
from surehop.doctor.watching import Change


def as_json(report: Report) -> str:
    """Give one object; its `version` is raised when a field changes its meaning."""
    return json.dumps(report_data(report), indent=2) + "\n"


def change_json(change: Change, report: Report, at: str) -> str:
    """Give what has changed, in one line."""
    told = {"at": at, "event": change.event, "finding": _finding(change.finding, report)}
    return json.dumps(_plain(told)) + "\n"


def report_data(report: Report) -> Any:
    told = {
        "version": 1,
        "targets": [{"name": each.name, "kind": each.kind} for each in report.targets],
        "findings": [_finding(each, report) for each in report.findings],
        "notes": list(report.notes),
        "hidden": report.hidden,
        "probes": [sheet_data(each) for each in report.probes],
        "lines": {"understood": report.logs.understood, "unknown": report.logs.unknown},
    }
    return _plain(told)


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    place = finding.place
    return {
        "id": finding.id,
        "name": finding.name,
        "fingerprint": fingerprint(finding),
        "severity": finding.severity.word,
        "confidence": finding.confidence,
        "because": finding.because,
        "place": place and {"file": place.file, "line": place.line, "column": place.column},
        "quotes": [{"file": q.file, "line": q.line, "text": q.text} for q in finding.quotes],
        "title": finding.title,
        "text": finding.text,
        "advice": finding.advice,
        "diff": diff_of(finding, report.documents) or None,
        "edits": [
            {"file": e.file, "start": e.start, "end": e.end, "text": e.text} for e in finding.fix
        ],
        "proof": list(finding.proof),
        "page": finding.page,
    }


def _plain(value: Any) -> Any:
    """Show what JSON can't carry: bytes that are no UTF-8. Newlines stay."""
    if isinstance(value, str):
        return harmless_lines(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
