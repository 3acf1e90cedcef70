"""A report in each of its forms."""

from importlib import import_module

from surehop.doctor.examining import Report
from surehop.doctor.render.text import Screen, as_text, change_text
from surehop.doctor.watching import Change

# Whose the other forms are: one is imported without the rest.
_FORMS = {
    "json": ("surehop.doctor.render.data", "as_json"),
    "sarif": ("surehop.doctor.render.sarif", "as_sarif"),
    "markdown": ("surehop.doctor.render.markup", "as_markdown"),
    "html": ("surehop.doctor.render.markup", "as_html"),
}
FORMATS = ("text", *_FORMS)
CHANGE_FORMATS = ("text", "json")
_PAPER = Screen()


def render(report: Report, form: str, screen: Screen = _PAPER) -> str:
    """Give the report as text that ends with a newline; `screen` is for `text` alone."""
    if form == "text":
        return as_text(report, screen)
    module, name = _FORMS[form]
    told: str = getattr(import_module(module), name)(report)
    return told


def render_change(
    change: Change, report: Report, form: str, at: str, screen: Screen = _PAPER
) -> str:
    """Give a change as text, or as one line of JSON; `at` is when it was."""
    if form == "text":
        return change_text(change, report, at, screen)
    from surehop.doctor.render.data import change_json  # noqa: PLC0415 (as above)

    return change_json(change, report, at)
