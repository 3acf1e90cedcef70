"""Static files as nginx has them: where they are, what is said of them, what is sent of them."""

from collections.abc import Iterator

import pytest
from files_setup import CASES, HTTP, tree
from likeness import Bench, Case, unlike

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

_LOGGED = "".join(
    f" | {name}=${name}"
    for name in (
        *("status", "bytes_sent", "body_bytes_sent", "uri", "is_args", "request_uri"),
        *("request_method", "request_length", "sent_http_location", "sent_http_content_type"),
        *("sent_http_content_length", "sent_http_last_modified", "sent_http_etag"),
        *("sent_http_content_range", "sent_http_accept_ranges", "request_completion"),
        *("upstream_addr", "document_root", "realpath_root", "request_filename"),
    )
)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused, tree() as one, tree() as two:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_LOGGED, prefix=one) as theirs,
            Subject(surehop_nginx, http, variables=_LOGGED, prefix=two) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
