"""The report as Markdown and as a page of HTML that needs nothing else."""

import re
from html import escape

from surehop.doctor.examining import Report
from surehop.doctor.finding import Finding
from surehop.doctor.patching import diff_of
from surehop.doctor.render.harmless import harmless, harmless_lines
from surehop.doctor.render.sheets import sheet_text
from surehop.doctor.render.text import summary

_CODE = re.compile(r"`([^`]*)`")
_TICKS = re.compile(r"`+")
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "body,pre{overflow-wrap:anywhere}pre{padding:.7em;white-space:pre-wrap}"
    "pre,code{background:color-mix(in srgb,currentcolor 9%,transparent)}"
    "article{border-left:5px solid #888;padding-left:1em;margin:2em 0}"
    ".error{border-color:#c00}.warning{border-color:#e90}.info{border-color:#39c}"
)


def as_markdown(report: Report) -> str:
    lines = ["# What the doctor found", ""]
    lines += [f"- `{harmless(each.name)}`: {each.kind}" for each in report.targets]
    lines += [f"- note: {_inline(each)}" for each in report.notes]
    lines += ["", summary(report).rstrip("\n")]
    for sheet in _sheets(report):
        lines += ["", _fenced("text", sheet)]
    for finding in report.findings:
        lines += ["", f"## {finding.id}: {_inline(finding.title)}", ""]
        where = f"`{harmless(str(finding.place))}`: " if finding.place else ""
        lines += [f"{where}**{finding.severity.word}**, {finding.name}", ""]
        lines += [_inline(finding.text), ""]
        if finding.quotes:
            quoted = "\n".join(map(str, finding.quotes))
            lines += [_fenced("text", harmless_lines(quoted)), ""]
        lines += [f"How sure: {finding.confidence}, {_inline(finding.because)}.", ""]
        lines += [f"What to do: {_inline(finding.advice)}."]
        shown = diff_of(finding, report.documents)
        if shown:
            lines += ["", _fenced("diff", harmless_lines(shown).rstrip("\n"))]
        if finding.proof:
            lines += ["", _fenced("sh", harmless_lines("\n".join(finding.proof)))]
        lines += ["", f"More: `surehop doctor --explain {finding.id}`"]
    return "\n".join(lines) + "\n"


def as_html(report: Report) -> str:
    targets = "".join(f"<li>{escape(harmless(t.name))}: {t.kind}</li>" for t in report.targets)
    notes = "".join(f"<li>note: {_coded(each)}</li>" for each in report.notes)
    sheets = "".join(f"<pre>{escape(each)}</pre>\n" for each in _sheets(report))
    body = "".join(_article(each, report) for each in report.findings)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>surehop doctor</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>What the doctor found</h1><ul>{targets}{notes}</ul>\n"
        f"<p>{summary(report).rstrip()}</p>\n{sheets}{body}</body></html>\n"
    )


def _sheets(report: Report) -> list[str]:
    return [sheet_text(each).rstrip("\n") for each in report.probes if each.by_url]


def _article(finding: Finding, report: Report) -> str:
    where = f"<code>{escape(harmless_lines(str(finding.place)))}</code>: " if finding.place else ""
    parts = [
        f'<article class="{finding.severity.word}">',
        f"<h2>{finding.id}: {_coded(finding.title)}</h2>",
        f"<p>{where}<b>{finding.severity.word}</b>, {finding.name}</p>",
        f"<p>{_coded(finding.text)}</p>",
    ]
    if finding.quotes:
        quoted = "\n".join(map(str, finding.quotes))
        parts.append(f"<pre>{escape(harmless_lines(quoted))}</pre>")
    parts.append(f"<p>How sure: {finding.confidence}, {_coded(finding.because)}.</p>")
    parts.append(f"<p>What to do: {_coded(finding.advice)}.</p>")
    shown = diff_of(finding, report.documents)
    if shown:
        parts.append(f"<pre>{escape(harmless_lines(shown))}</pre>")
    if finding.proof:
        commands = "\n".join(finding.proof)
        parts.append(f"<pre>{escape(harmless_lines(commands))}</pre>")
    parts.append(f"<p>More: <code>surehop doctor --explain {finding.id}</code></p></article>\n")
    return "\n".join(parts)


def _coded(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(harmless_lines(text)))


def _inline(text: str) -> str:
    """Escape what Markdown would take for its own, outside of code."""
    parts = re.split(r"(`[^`]*`)", harmless(text))
    return "".join(
        part if part.startswith("`") else re.sub(r"([<>\[\]*_\\|])", r"\\\1", part)
        for part in parts
    )


def _fenced(language: str, text: str) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
