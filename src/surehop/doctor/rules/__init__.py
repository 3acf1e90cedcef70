"""All rules, one file each: pure functions from evidence to findings."""

from surehop.doctor.rules.table import RULES

__all__ = ["RULES"]
