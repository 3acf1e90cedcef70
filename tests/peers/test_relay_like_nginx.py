"""The relay against nginx: the same configuration, the same bytes, everything seen compared.

Compared: status lines, header names and values in order, bodies, how the connection ended, what
the origin got (lines in order, body, framing, which connection), every access-log variable both
know, and all error-log lines from info up. Not compared: dates, times, the product's name, process
and connection numbers, and how a body is cut into chunks.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_answers import ANSWERS
from relay_differences import DIFFERENCES
from relay_requests import BODIES, REQUESTS
from relay_routes import ROUTES
from relay_setup import HTTP, LOGGED

from scripted import Scripted, full
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

_VARIABLES = variables(LOGGED)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused, full() as stuck:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        http = http.replace("STUCK", stuck)
        with (
            # Here it would only wait for a client that waits for it.
            Subject(nginx, f"lingering_timeout 200ms; {http}", variables=_VARIABLES) as theirs,
            Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=f"{k}-{c.name}")
        for k, table in {
            "request": REQUESTS,
            "body": BODIES,
            "answer": ANSWERS,
            "route": ROUTES,
        }.items()
        for c in table
    ],
)
def test_like_nginx(
    benches: tuple[Bench, Bench], case: Case, request: pytest.FixtureRequest
) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    for difference in DIFFERENCES:
        if difference.concerns(request.node.callspec.id):
            left = difference.leaves(theirs), difference.leaves(ours)
            assert [s for s in theirs if s not in left[0]] != [
                s for s in ours if s not in left[1]
            ], f"no difference any more, so strike it: {difference.why}"
            theirs, ours = left
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
