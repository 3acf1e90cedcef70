"""Origins that fail on purpose, for your own tests.

pytest finds the fixtures `origin`, `make_origin` and `fault` by itself.
"""

from surehop.lab.fixtures import Injected
from surehop.lab.origins import Fault, Origin, OriginProcess, Stats

__all__ = ["Fault", "Injected", "Origin", "OriginProcess", "Stats"]
