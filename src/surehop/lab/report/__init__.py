"""What a scenario found, as data. `page` and `terminal` show it, and want the extra `lab`."""

from surehop.lab.report.data import (
    Bars,
    Curve,
    Mark,
    Plot,
    Report,
    Row,
    Skipped,
    Table,
    Timeline,
    Verdict,
)
from surehop.lab.report.saved import NoReportError, read_report

__all__ = [
    "Bars",
    "Curve",
    "Mark",
    "NoReportError",
    "Plot",
    "Report",
    "Row",
    "Skipped",
    "Table",
    "Timeline",
    "Verdict",
    "read_report",
]
