"""The report as SARIF 2.1.0, which code hosts show beside the lines."""

import json
from typing import Any
from urllib.parse import quote

from surehop import __version__
from surehop.doctor.baseline import fingerprint
from surehop.doctor.examining import Report
from surehop.doctor.finding import Edit, Finding, Severity
from surehop.doctor.pages import explain
from surehop.doctor.render.harmless import harmless
from surehop.doctor.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def as_sarif(report: Report) -> str:
    rules = [
        {
            "id": rule.about.id,
            "name": rule.about.name,
            "shortDescription": {"text": rule.about.summary},
            "fullDescription": {"text": rule.about.cause},
            "help": {"text": rule.about.cure, "markdown": explain(rule.about.id)},
        }
        for rule in RULES
    ]
    driver = {"name": "surehop doctor", "semanticVersion": __version__, "rules": rules}
    results = [_result(finding) for finding in report.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    told = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(told, indent=2) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    message = f"{finding.title}. {finding.text} What to do: {finding.advice}."
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "level": _LEVELS[finding.severity],
        "message": {"text": harmless(message)},
        "partialFingerprints": {"surehop/v1": fingerprint(finding)},
        "properties": {"confidence": finding.confidence, "because": finding.because},
    }
    place = finding.place
    if place:
        region = {"startLine": place.line, "startColumn": place.column}
        result["locations"] = [_location(place.file, region)]
    elif lines := [each for each in finding.quotes if each.line]:
        result["locations"] = [_location(each.file, {"startLine": each.line}) for each in lines]
    if finding.fix:
        files = dict.fromkeys(edit.file for edit in finding.fix)
        changes = [_change(file, [e for e in finding.fix if e.file == file]) for file in files]
        result["fixes"] = [
            {"description": {"text": harmless(finding.advice)}, "artifactChanges": changes}
        ]
    return result


def _uri(file: str) -> str:
    path = quote(file, errors="surrogateescape")
    return f"file://{path}" if path.startswith("/") else path


def _location(file: str, region: dict[str, int]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}


def _change(file: str, edits: list[Edit]) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": _uri(file)},
        "replacements": [
            {
                "deletedRegion": {"byteOffset": edit.start, "byteLength": edit.end - edit.start},
                "insertedContent": {"text": edit.text},
            }
            for edit in edits
        ],
    }
