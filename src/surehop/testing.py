"""Origins that fail on purpose, for your own tests.

pytest finds the fixtures `origin`, `make_origin`, `fault`, `tap`, `make_tap` by itself.
"""

from surehop.lab.fixtures import Injected
from surehop.lab.origins import Fault, Origin, OriginProcess, Stats
from surehop.lab.tap import Tap

__all__ = ["Fault", "Injected", "Origin", "OriginProcess", "Stats", "Tap"]
