"""The proxy's control plane: checks, starts, watches, reloads and stops the data process."""

from surehop.proxy.checking import Checked, check, check_system
from surehop.proxy.control import run
from surehop.proxy.journal import Journal
from surehop.proxy.options import Options, early_journal
from surehop.proxy.signalling import SIGNALS, send_signal

__all__ = [
    "SIGNALS",
    "Checked",
    "Journal",
    "Options",
    "check",
    "check_system",
    "early_journal",
    "run",
    "send_signal",
]
