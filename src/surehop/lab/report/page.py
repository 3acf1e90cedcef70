"""A report as one HTML page that needs nothing but itself."""

from html import escape
from pathlib import Path

from surehop.lab.report.data import Curve, Report, Table, Timeline
from surehop.lab.report.plots import draw

_STYLE = """\
:root { --ink: #1c1f23; --faint: #667; --line: #dde1e6; --bad: #b34700; --good: #00715a; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.5rem 4rem; color: var(--ink);
  background: #fff; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header p.kind { margin: 0; color: var(--faint); letter-spacing: .04em; }
h1 { margin: 0 0 .4rem; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.15rem; border-bottom: 1px solid var(--line);
  padding-bottom: .25rem; }
p.lead { font-size: 1.05rem; max-width: 48rem; }
p.note, figcaption { color: var(--faint); font-size: .88rem; }
.partial { border-left: 4px solid #c98500; background: #fff7e6; padding: .6rem 1rem; }
ul.said { padding-left: 1.1rem; }
ul.said li { margin: .25rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; }
th { color: var(--faint); font-weight: 600; border-bottom-width: 2px; }
td.text, th.text { text-align: left; }
td.bad { color: var(--bad); font-weight: 700; background: #fff1e8; }
td.good { color: var(--good); font-weight: 700; }
figure { margin: 0; }
figure svg { width: 100%; height: auto; display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0;
  font-size: .9rem; }
dt { color: var(--faint); }
dd { margin: 0; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .92em; }
footer { margin-top: 3rem; color: var(--faint); font-size: .85rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; }
  section, figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
  th, td { padding: .15rem .35rem; }
}
"""
_KEY = (
    "A bar is a request, from the moment at which the subject asked until it had an answer or "
    "gave up; orange and taller: it failed. A black stroke is the moment at which the origin got "
    "it; a cross there: it was met by the fault."
)


def write_page(report: Report, path: Path) -> None:
    """Write it. OSError if that can't be."""
    path.write_text(page(report), "utf-8")


def page(report: Report) -> str:
    """The page's text."""
    title = escape(f"{report.scenario}: {report.title}")
    parts = [
        f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{title}</title>\n",
        '<link rel="icon" href="data:,">\n',
        '<meta name=viewport content="width=device-width, initial-scale=1">\n',
        f"<style>\n{_STYLE}</style>\n<body>\n<header>\n",
        f"<p class=kind>surehop lab · {escape(report.started)}</p>\n",
        f"<h1>{escape(report.scenario)}</h1>\n",
        f"<p class=lead>{escape(report.title)}</p>\n</header>\n",
    ]
    if report.partial:
        parts.append(f"<p class=partial>This report is partial: {escape(report.partial)}</p>\n")
    said = "".join(f"<li>{escape(one)}</li>\n" for one in report.said)
    parts.append(_section("What was seen", f"<ul class=said>\n{said}</ul>\n"))
    parts += [_section(_headed(t.title), _table(t)) for t in report.tables]
    parts += [_plot(plot, number) for number, plot in enumerate(report.plots)]
    parts.append(_section("What was done", f"<p class=lead>{escape(report.story)}</p>\n"))
    asked = {name: str(value) for name, value in report.asked.items()}
    measured = {name: f"{value:g}" for name, value in report.measured.items()}
    parts.append(_section("What was asked", _list({**asked, **measured})))
    took = {"took": f"{report.seconds:.1f} s"}
    parts.append(_section("On what", _list({**report.machine, **report.versions, **took})))
    if report.skipped:
        items = {
            one.name: one.why + (f" - hint: {one.hint}" if one.hint else "")
            for one in report.skipped
        }
        parts.append(_section("What was skipped", _list(items)))
    told = "Every figure was measured in this run."
    parts.append(f"<footer>{told}</footer>\n</body>\n</html>\n")
    return "".join(parts)


def _section(title: str, inner: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}</section>\n"


def _headed(title: str) -> str:
    return title[:1].upper() + title[1:]


def _table(table: Table) -> str:
    texts = [
        any(not _number(row[column]) for row in table.rows) for column in range(len(table.columns))
    ]
    head = "".join(
        f"<th{' class=text' if text else ''}>{escape(name)}</th>"
        for name, text in zip(table.columns, texts, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(table, at, n, texts[n]) for n in range(len(row))) + "</tr>\n"
        for at, row in enumerate(table.rows)
    )
    note = f"<p class=note>{escape(table.note)}</p>\n" if table.note else ""
    return (
        f"<div class=scroll><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f"</table></div>\n{note}"
    )


def _cell(table: Table, row: int, column: int, text: bool) -> str:
    names = [
        *(["text"] if text else []),
        *(["bad"] if (row, column) in table.bad else []),
        *(["good"] if (row, column) in table.good else []),
    ]
    named = f' class="{" ".join(names)}"' if names else ""
    return f"<td{named}>{escape(table.rows[row][column])}</td>"


def _number(cell: str) -> bool:
    return not cell or all(letter in "0123456789.,+-/ %" for letter in cell)


def _plot(plot: Curve | Timeline, number: int) -> str:
    caption = _KEY if isinstance(plot, Timeline) else _marks(plot)
    label = escape(plot.title, quote=True)
    figure = (
        f'<figure role=img aria-label="{label}">{draw(plot, f"p{number}-")}'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
    )
    return _section(_headed(plot.title), figure)


def _marks(plot: Curve) -> str:
    told = "; ".join(plot.marks)
    return f"Dashed: {told}. The scale is linear within 5 and logarithmic beyond." if told else ""


def _list(items: dict[str, str]) -> str:
    inner = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>\n" for k, v in items.items())
    return f"<dl>\n{inner}</dl>\n"
