"""The rules in the order of their ids."""

from surehop.doctor.about import Rule
from surehop.doctor.rules import (
    closed_unread,
    descriptors,
    flapping,
    forgotten_idle,
    idle_meets,
    keepalive_headers,
    never_kept,
    never_out,
    no_resolver,
    one_race,
    one_try,
    repeated_writes,
    resolved_once,
    single_server,
    two_families,
    unlimited_retries,
)

_MODULES = (
    two_families,
    single_server,
    idle_meets,
    one_race,
    repeated_writes,
    never_kept,
    keepalive_headers,
    descriptors,
    resolved_once,
    no_resolver,
    forgotten_idle,
    closed_unread,
    one_try,
    never_out,
    flapping,
    unlimited_retries,
)
RULES = tuple(Rule(module.ABOUT, module.judge) for module in _MODULES)
