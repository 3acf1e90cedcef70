"""Probing: what a server does now, learned from a few harmless requests."""

from surehop.doctor.probing.hop import Hop, hop_of, looks_like_url
from surehop.doctor.probing.limits import METHODS, Asked
from surehop.doctor.probing.servers import hops_of, key_of
from surehop.doctor.probing.several import Job, Talk, probe_all
from surehop.doctor.probing.sheet import Sheet

__all__ = [
    "METHODS",
    "Asked",
    "Hop",
    "Job",
    "Sheet",
    "Talk",
    "hop_of",
    "hops_of",
    "key_of",
    "looks_like_url",
    "probe_all",
]
