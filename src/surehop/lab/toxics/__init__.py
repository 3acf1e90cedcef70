"""What is done to connections while they run, in toxiproxy's vocabulary, and a relay."""

from surehop.lab.toxics.pipe import CutError, Pipe
from surehop.lab.toxics.place import Place, joined, parted
from surehop.lab.toxics.relay import Relay
from surehop.lab.toxics.toxic import FLOWS, Toxic, ToxicError

__all__ = [
    "FLOWS",
    "CutError",
    "Pipe",
    "Place",
    "Relay",
    "Toxic",
    "ToxicError",
    "joined",
    "parted",
]
