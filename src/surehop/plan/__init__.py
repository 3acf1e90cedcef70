"""Model -> Plan, the plain data that the data plane runs."""

from surehop.plan.building import NGINX_VERSION, build
from surehop.plan.data import Plan
from surehop.plan.identity import Identity, identity
from surehop.plan.recording import LogFile, Syslog
from surehop.plan.resolving import Overrides, Resolver, SystemResolver, parse_overrides

__all__ = [
    "NGINX_VERSION",
    "Identity",
    "LogFile",
    "Overrides",
    "Plan",
    "Resolver",
    "Syslog",
    "SystemResolver",
    "build",
    "identity",
    "parse_overrides",
]
