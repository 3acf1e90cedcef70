"""A report as one HTML page that needs nothing but itself."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from surehop.lab.report.alternative import of_diagram, of_plot
from surehop.lab.report.colours import variables
from surehop.lab.report.data import Curve, Plot, Report, Table, Timeline
from surehop.lab.report.drawing import draw, embedded
from surehop.lab.report.verdicts import verdict_table
from surehop.lab.tap.sequence import Diagram
from surehop.lab.tap.svg import svg

_STYLE = Path(__file__).with_name("page.css")
# Whatever a report carries, its page asks nobody for anything and runs nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_KEY = (
    "A bar is a request, from the moment at which the subject asked until it had an answer or "
    "gave up; orange and taller: it failed. A stroke is the moment at which the origin got it; a "
    "cross there: it was met by the fault."
)


def write_page(report: Report, path: Path) -> None:
    """Write it. OSError if that can't be."""
    path.write_text(page(report), "utf-8")


def page(report: Report) -> str:
    """The page's text."""
    title = escape(f"{report.scenario}: {report.title}")
    parts = [
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n",
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n',
        '<meta name=viewport content="width=device-width, initial-scale=1">\n',
        f'<link rel=icon href="data:,">\n<title>{title}</title>\n',
        f"<style>\n{variables()}{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<header>\n",
        f"<p class=kind>surehop lab · {escape(report.started)}</p>\n",
        f"<h1>{escape(report.scenario)}</h1>\n",
        f"<p class=lead>{escape(report.title)}</p>\n<p class=story>{escape(report.story)}</p>\n",
        "</header>\n<main>\n",
    ]
    if report.partial:
        parts.append(f"<p class=partial>This report is partial: {escape(report.partial)}</p>\n")
    said = "".join(f"<li>{escape(one)}</li>\n" for one in report.said)
    parts.append(_section("What was seen", f"<ul class=said>\n{said}</ul>\n"))
    parts += [_section(table.title, _table(table)) for table in report.tables]
    parts += [_plot(plot, number) for number, plot in enumerate(report.plots)]
    if report.diagrams:
        drawn = [_diagram(one, number) for number, one in enumerate(report.diagrams)]
        parts.append(_section("On the wire", "".join(drawn)))
    if report.verdicts:
        table = verdict_table(report)
        parts.append(_section(table.title, _table(table)))
    asked = {name: str(value) for name, value in report.asked.items()}
    measured = {name: f"{value:g}" for name, value in report.measured.items()}
    parts.append(_section("What was asked", _list(asked | measured)))
    took = {"took": f"{report.seconds:.1f} s"}
    parts.append(_section("On what", _list({**report.machine, **report.versions, **took})))
    if report.skipped:
        items = {
            one.name: one.why + (f" - hint: {one.hint}" if one.hint else "")
            for one in report.skipped
        }
        parts.append(_section("What was skipped", _list(items)))
    told = "Every figure was measured in this run."
    parts.append(f"</main>\n<footer>{told}</footer>\n</body>\n</html>\n")
    return "".join(parts)


def _section(title: str, inner: str) -> str:
    headed = title[:1].upper() + title[1:]
    return f"<section>\n<h2>{escape(headed)}</h2>\n{inner}</section>\n"


def _scrolled(label: str, inner: str) -> str:
    """Wide things move in a box of their own, which a keyboard reaches."""
    named = escape(label, quote=True)
    return f'<div class=scroll tabindex=0 role=region aria-label="{named}">{inner}</div>\n'


def _table(table: Table) -> str:
    texts = [table.is_text(column) for column in range(len(table.columns))]
    head = "".join(
        f"<th scope=col{' class=text' if text else ''}>{escape(name)}</th>"
        for name, text in zip(table.columns, texts, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(table, at, n, texts[n]) for n in range(len(row))) + "</tr>\n"
        for at, row in enumerate(table.rows)
    )
    note = f"<p class=note>{escape(table.note)}</p>\n" if table.note else ""
    inner = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
    return _scrolled(table.title, inner) + note


def _cell(table: Table, row: int, column: int, text: bool) -> str:
    names = [
        *(["text"] if text else []),
        *(["bad"] if (row, column) in table.bad else []),
        *(["good"] if (row, column) in table.good else []),
    ]
    named = f' class="{" ".join(names)}"' if names else ""
    told = escape(table.rows[row][column])
    return f"<td{named}>{told}</td>" if column else f"<th scope=row{named}>{told}</th>"


def _plot(plot: Plot, number: int) -> str:
    if isinstance(plot, Timeline):
        caption = _KEY
    else:
        caption = _marks(plot) if isinstance(plot, Curve) else plot.note
    drawn = draw(plot, f"p{number}-")
    return _section(plot.title, _figure("plot", drawn, of_plot(plot), caption, plot.title))


def _diagram(diagram: Diagram, number: int) -> str:
    drawn = embedded(svg(diagram), f"d{number}-")
    return _figure("sequence", drawn, of_diagram(diagram), "", diagram.title)


def _figure(kind: str, drawn: str, told: str, caption: str, title: str) -> str:
    shown = f'<div role=img aria-label="{escape(told, quote=True)}">{drawn}</div>'
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure class={kind}>\n{_scrolled(title, shown)}{below}</figure>\n"


def _marks(plot: Curve) -> str:
    told = "; ".join(plot.marks)
    return f"Dashed: {told}. The scale is linear within 5 and logarithmic beyond." if told else ""


def _list(items: Mapping[str, str]) -> str:
    inner = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>\n" for k, v in items.items())
    return f"<dl>\n{inner}</dl>\n"
