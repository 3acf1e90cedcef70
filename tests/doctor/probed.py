"""One probe of a URL."""

from typing import Any

from surehop.doctor import Asked, Names, Options, Probing, Talk, examine
from surehop.doctor.probing.sheet import Sheet
from surehop.plan.resolving import parse_overrides


def probed(url: str, *resolve: str, talk: Talk | None = None, **asked: Any) -> Sheet:
    names = Names(parse_overrides(resolve), {}, ask=False)
    probing = Probing(Asked(**{"max_wait": 5.0, **asked}), talk=talk or Talk())
    (sheet,) = examine([url], Options(names, probing=probing)).probes
    return sheet
