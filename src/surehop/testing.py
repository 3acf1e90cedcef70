"""Origins that fail on purpose, for your own tests.

pytest finds the fixtures `origin`, `make_origin`, `fault`, `tap` and `make_tap` by itself.
"""

from surehop.lab.fixtures import Injected
from surehop.lab.origins import Fault, Origin, OriginProcess, Stats
from surehop.lab.tap import Connection, Ending, Exchange, How, Moment, Side, Tap

__all__ = [
    "Connection",
    "Ending",
    "Exchange",
    "Fault",
    "How",
    "Injected",
    "Moment",
    "Origin",
    "OriginProcess",
    "Side",
    "Stats",
    "Tap",
]
