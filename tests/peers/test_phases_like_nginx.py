"""Servers, locations, rewriting, variables, error pages as nginx has them."""

from collections.abc import Iterator
from difflib import unified_diff

import pytest
from likeness import Bench, Case
from phases_setup import CASES, HTTP

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

_LOGGED = "".join(
    f" | {name}=${name}"
    for name in (
        *("status", "body_bytes_sent", "server_name", "server_port", "host", "uri", "args"),
        *("is_args", "request_uri", "request_method", "request_length", "sent_http_location"),
        *("sent_http_content_length", "upstream_addr"),
        *("proxy_host", "upstream_status", "mapped", "late", "named"),
    )
)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_LOGGED) as theirs,
            Subject(surehop_nginx, http, variables=_LOGGED) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    told = "\n".join(unified_diff(theirs, ours, "nginx", "surehop", n=0, lineterm=""))
    assert ours == theirs, f"\n{told}"
