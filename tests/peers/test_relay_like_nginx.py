"""The relay against nginx: the same configuration, the same bytes, everything seen compared.

Compared: status lines, header names and values in order, bodies, how the connection ended, what
the origin got (lines in order, body, framing, which connection), every access-log variable both
know, and all error-log lines from info up. Not compared: dates, times, the product's name, process
and connection numbers, and how a body is cut into chunks.
"""

from collections.abc import Iterator
from difflib import unified_diff

import pytest
from likeness import Bench, Case
from relay_cases import ANSWERS, BODIES, HTTP, LOGGED, REQUESTS, ROUTES
from scripted import Scripted

from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

_VARIABLES = "".join(f" | {name}=${name}" for name in LOGGED)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_VARIABLES) as theirs,
            Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{k}-{c.name}") for k, table in {
    "request": REQUESTS, "body": BODIES, "answer": ANSWERS, "route": ROUTES
}.items() for c in table])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    told = "\n".join(unified_diff(theirs, ours, "nginx", "surehop", n=0, lineterm=""))
    assert ours == theirs, f"\n{told}"
