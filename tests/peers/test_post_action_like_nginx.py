"""`post_action`: what a request does once it is answered, as in nginx."""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, get, sized

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = r"""
    server {
        listen 127.0.0.1:@PORT@;
        root html;
        location /marker/ { return 204; }
        location /static { post_action /up?never; return 200 "answer\n"; }
        location /remote { post_action /up/after; proxy_pass http://127.0.0.1:ORIGIN; }
        location /named { post_action @after; return 404; }
        location /missing { post_action /nowhere; return 200 "answer\n"; }
        location /nobody { post_action @nobody; return 200 "answer\n"; }
        location /failing { post_action /refused; return 201 "answer\n"; }
        location /dropped { post_action /up; return 444; }
        location /chain { post_action /named; return 200 "answer\n"; }
        location /circle { post_action /circle; return 200 "answer\n"; }
        location /page { post_action /up; error_page 404 /text; return 404; }
        location /large { post_action /text; client_max_body_size 2; return 200; }
        location /text { return 200 "text\n"; }
        location /up { proxy_pass http://127.0.0.1:ORIGIN; }
        location /refused { proxy_pass http://127.0.0.1:REFUSED; }
        location @after { proxy_pass http://127.0.0.1:ORIGIN; }
        location @text { return 200 "text\n"; }
        location /quiet { post_action @text; access_log off; return 200 "answer\n"; }
    }
"""
LOGGED = (
    *("status", "uri", "is_args", "request_uri", "bytes_sent", "body_bytes_sent"),
    *("request_completion", "upstream_addr", "upstream_status", "request_length"),
)
CASES = [
    *(
        Case(target, get(target))
        for target in (
            *("/static", "/remote?a=b", "/named", "/missing", "/nobody", "/failing", "/dropped"),
            *("/chain", "/circle", "/page", "/quiet"),
        )
    ),
    Case("HEAD", ask("HEAD", "/remote"), heads=(0,)),
    Case("POST", ask("POST", "/quiet", "Content-Length: 3", body=b"abc")),
    Case("large", ask("POST", "/large", "Content-Length: 3", body=b"abc")),
    Case("kept", get("/static", close=False) + get("/remote")),
    Case("an answer that is none", get("/static"), [sized(b"x" * 100, "X-Up: 1")]),
]


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=variables(LOGGED)) as theirs,
            Subject(surehop_nginx, http, variables=variables(LOGGED)) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
