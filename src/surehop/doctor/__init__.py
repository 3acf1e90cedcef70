"""The doctor: reads configurations and logs, probes, names the cause, says what to change."""

from surehop.doctor.baseline import read_baseline, write_baseline
from surehop.doctor.examining import Examination, Report, Target, examine
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.names import Names, parse_hosts
from surehop.doctor.options import Options, Probing, Reading, parse_version
from surehop.doctor.parquet import Failures
from surehop.doctor.patching import fix
from surehop.doctor.probing.limits import METHODS, Asked, Talk
from surehop.doctor.render import CHANGE_FORMATS, FORMATS, render, render_change
from surehop.doctor.render.text import Screen
from surehop.doctor.rules import RULES
from surehop.doctor.watching import Change, Watch
from surehop.doctor.words import counted

__all__ = [
    "CHANGE_FORMATS",
    "FORMATS",
    "METHODS",
    "RULES",
    "Asked",
    "Change",
    "Confidence",
    "Examination",
    "Failures",
    "Finding",
    "Names",
    "Options",
    "Probing",
    "Reading",
    "Report",
    "Screen",
    "Severity",
    "Talk",
    "Target",
    "Watch",
    "counted",
    "examine",
    "fix",
    "parse_hosts",
    "parse_version",
    "read_baseline",
    "render",
    "render_change",
    "write_baseline",
]
