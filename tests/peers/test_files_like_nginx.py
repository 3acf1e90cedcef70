"""Static files as nginx has them: where they are, what is said of them, what is sent of them."""

from collections.abc import Iterator

import pytest
from files_setup import CASES, HTTP, LOGGED, tree
from likeness import Bench, Case, unlike, variables

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused, tree() as one, tree() as two:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=variables(LOGGED), prefix=one) as theirs,
            Subject(surehop_nginx, http, variables=variables(LOGGED), prefix=two) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
