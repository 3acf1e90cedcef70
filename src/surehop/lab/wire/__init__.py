"""What a run of a scenario was on the wire: connections, out of packets or the origins' records."""

from surehop.lab.wire.flows import ENDS, Flow, Step, of_packets, of_records
from surehop.lab.wire.watching import Watch, Watched

__all__ = ["ENDS", "Flow", "Step", "Watch", "Watched", "of_packets", "of_records"]
