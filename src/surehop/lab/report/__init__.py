"""What a scenario found, as data, and how it is shown: terminal, JSON, one HTML page."""

from surehop.lab.report.data import Curve, Mark, Report, Row, Skipped, Table, Timeline
from surehop.lab.report.page import write_page
from surehop.lab.report.terminal import show

__all__ = [
    "Curve",
    "Mark",
    "Report",
    "Row",
    "Skipped",
    "Table",
    "Timeline",
    "show",
    "write_page",
]
