"""The doctor: reads configurations and logs, probes, names the cause, says what to change."""

from surehop.doctor.baseline import read_baseline, write_baseline
from surehop.doctor.examining import Report, Target, examine
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.names import Names, parse_hosts
from surehop.doctor.options import Options, Probing, parse_version
from surehop.doctor.patching import fix
from surehop.doctor.probing import METHODS, Asked, Talk, hop_of
from surehop.doctor.render import FORMATS, render
from surehop.doctor.rules import RULES

__all__ = [
    "FORMATS",
    "METHODS",
    "RULES",
    "Asked",
    "Confidence",
    "Finding",
    "Names",
    "Options",
    "Probing",
    "Report",
    "Severity",
    "Talk",
    "Target",
    "examine",
    "fix",
    "hop_of",
    "parse_hosts",
    "parse_version",
    "read_baseline",
    "render",
    "write_baseline",
]
