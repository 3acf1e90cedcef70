"""A report in each of its forms."""

from collections.abc import Callable

from surehop.doctor.examining import Report
from surehop.doctor.render.data import as_json, change_json
from surehop.doctor.render.markup import as_html, as_markdown
from surehop.doctor.render.sarif import as_sarif
from surehop.doctor.render.text import Screen, as_text, change_text
from surehop.doctor.watching import Change

FORMATS = ("text", "json", "sarif", "markdown", "html")
CHANGE_FORMATS = ("text", "json")
_PAPER = Screen()

_FORMS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "markdown": as_markdown,
    "html": as_html,
}


def render(report: Report, form: str, screen: Screen = _PAPER) -> str:
    """Give the report as text that ends with a newline; `screen` is for `text` alone."""
    return as_text(report, screen) if form == "text" else _FORMS[form](report)


def render_change(
    change: Change, report: Report, form: str, at: str, screen: Screen = _PAPER
) -> str:
    """Give a change as text, or as one line of JSON; `at` is when it was."""
    if form == "text":
        return change_text(change, report, at, screen)
    return change_json(change, report, at)
