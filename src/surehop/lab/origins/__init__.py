"""Origins: HTTP/1.1 servers on loopback that fail exactly as they are told to."""

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.command import main
from surehop.lab.origins.faults import Fault
from surehop.lab.origins.handle import Origin, OriginProcess
from surehop.lab.origins.server import Closing, Delivery, Stats

__all__ = ["Behaviour", "Closing", "Delivery", "Fault", "Origin", "OriginProcess", "Stats", "main"]
