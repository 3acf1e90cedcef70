"""Where `proxy_pass` leads, against nginx: variables, URIs, unix sockets, local addresses.

What is compared stands in test_relay_like_nginx.py.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import LOGGED, ask, get, sized

from scripted import OK, Answer, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    upstream kept { server 127.0.0.1:ORIGIN; }
    upstream two { server 127.0.0.1:REFUSED max_fails=0; server 127.0.0.1:ORIGIN; }
    upstream paths { server unix:SOCKET; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }

        location /plain/ { proxy_pass http://$arg_to; }
        location /uri/ { proxy_pass http://$arg_to/base/; }
        location /uri-var/ { proxy_pass http://127.0.0.1:ORIGIN$arg_uri; }
        location /uri-all/ { proxy_pass http://127.0.0.1:ORIGIN$uri$is_args$args; }
        location /whole/ { proxy_pass $arg_url; }
        location ~ ^/regex/(.*)$ { proxy_pass http://$host_of_kept/$1; }
        location /rewritten/ {
            rewrite ^/rewritten/(.*)$ /new/$1?x=y break;
            proxy_pass http://$host_of_kept;
        }
        location /rewritten-uri/ { rewrite ^ /new break; proxy_pass http://$host_of_kept/u; }
        location /redirects/ { proxy_pass http://$host_of_kept; }
        location /headers/ {
            proxy_pass http://$arg_to;
            proxy_set_header Host $proxy_host;
            proxy_set_header X-Port $proxy_port;
        }
        location /if/ {
            if ($arg_a) { proxy_pass http://$host_of_kept/if; }
            proxy_pass http://127.0.0.1:ORIGIN/base/;
        }
        location /page/ { error_page 500 502 = @again; proxy_pass http://$arg_to; }
        location /next/ { proxy_pass http://$arg_to; proxy_next_upstream error http_500; }
        location @again { set $back kept; proxy_pass http://$back; }
        location /unix/ { proxy_pass http://unix:$arg_path; }
        location /unix-static/ { proxy_pass http://unix:SOCKET:/base/; }
        location /implicit/ { proxy_pass http://localhost:ORIGIN; }

        location /bind/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_bind 127.0.0.3; }
        location /bind-var/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_bind $arg_b; }
        location /bind-off/ { proxy_bind off; proxy_pass http://127.0.0.1:ORIGIN; }
        location /sized/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_socket_rcvbuf 64k;
            proxy_socket_sndbuf 64k;
        }
        set $host_of_kept kept;
    }
"""


def cases(origin: int, refused: int, path: str) -> Iterator[Case]:
    for to in (
        *(f"127.0.0.1:{origin}", f"127.0.0.1:{refused}", "kept", "KEPT", "two", "paths"),
        *("kept:80", "nobody", "nobody:81", f"localhost:{origin}", f"localhost:{refused}"),
        *("", ":80", "127.0.0.1:0", "127.0.0.1:x", "[::1", "[x]:80", "[]", f"[::1]:{refused}"),
        *(f"127.0.0.1:{origin}/up", f"127.0.0.1:{origin}?x", f"unix:{path}", "unix:", "unix:/none"),
    ):
        yield Case(f"to {to}", get(f"/plain/a%20b?to={to}"))
        yield Case(f"to {to} with URI", get(f"/uri/a%20b?to={to}"))
    for uri in ("/x", "?y", "", "/%41", "x", ":1"):
        yield Case(f"uri {uri}", get(f"/uri-var/a%20b?uri={uri}"))
    yield Case("uri all", get("/uri-all/a+b?c=d"))
    yield Case("uri all, nothing", get("/uri-all/"))
    for url in ("http://kept/x", "HTTP://kept", "ftp://kept", "kept", "http://", ""):
        yield Case(f"url {url}", get(f"/whole/?url={url}"))
    for target in ("/regex/a%2fb?c", "/rewritten/a?b", "/rewritten-uri/a?b", "/if/?a=1", "/if/x"):
        yield Case(target, get(target))
    moved = sized(b"", "Location: http://kept/redirects/x", status="302 Found")
    yield Case("no default redirect", get("/redirects/"), [moved])
    for to in ("kept", "127.0.0.1:81", f"127.0.0.1:{origin}", f"unix:{path}", "localhost:80"):
        yield Case(f"headers {to}", get(f"/headers/?to={to}"))
    for to in (f"127.0.0.1:{refused}", "x:y", "two"):
        yield Case(f"page {to}", get(f"/page/?to={to}"))
        post = ask("POST", f"/page/?to={to}", "Content-Length: 3", body=b"abc")
        yield Case(f"page {to} POST", post)
    bad = sized(b"no", status="500 Oops")
    yield Case("next of an address", get(f"/next/?to=127.0.0.1:{origin}"), [bad])
    yield Case("next of a group", get("/next/?to=two"), [bad])
    yield Case(
        "kept alive",
        get("/plain/1?to=kept", close=False)
        + get("/plain/2?to=kept", close=False)
        + get(f"/plain/3?to=127.0.0.1:{origin}", close=False)
        + get("/plain/4?to=kept"),
    )
    yield Case(
        "reused and closed",
        get("/plain/1?to=kept", close=False) + get("/plain/2?to=kept"),
        answers={"/plain/2?to=kept": Answer(("fin",)), "/plain/1?to=kept": Answer((OK,))},
    )
    for place in (path, f"{path}:/x", f"{path}:", "", ":/x"):
        yield Case(f"unix {place}", get(f"/unix/a?path={place}"))
    for target in ("/unix-static/a?b", "/implicit/x", "/bind/", "/bind-off/", "/sized/"):
        yield Case(target, get(target))
    for local in ("127.0.0.4", "x", "", "127.0.0.1:99999"):
        yield Case(f"bind {local}", get(f"/bind-var/?b={local}"))


_VARIABLES = variables(LOGGED)


class Pair:
    """Both programs, and an origin that both lead to."""

    def __init__(self, theirs: Bench, ours: Bench, cases: dict[str, Case]) -> None:
        self.theirs, self.ours, self.cases = theirs, ours, cases


@pytest.fixture(scope="module")
def pair(nginx: Program, surehop_nginx: Program) -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = f"{folder}/origin.sock"
        with Scripted() as origin, Scripted(unix=path), Port() as refused:
            Path(path).chmod(0o777)
            http = HTTP.replace("ORIGIN", str(origin.port)).replace("SOCKET", path)
            http = http.replace("REFUSED", str(refused.number))
            found = {case.name: case for case in cases(origin.port, refused.number, path)}
            with (
                Subject(nginx, http, variables=_VARIABLES) as theirs,
                Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
            ):
                yield Pair(Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin), found)


@pytest.mark.parametrize("number", range(len(list(cases(1, 2, "p")))))
def test_targets_like_nginx(pair: Pair, number: int) -> None:
    case = list(pair.cases.values())[number]
    theirs, ours = (bench.run(case).lines() for bench in (pair.theirs, pair.ours))
    assert ours == theirs, f"{case.name}\n{unlike(theirs, ours)}"
