"""What becomes of an upstream's answer, against nginx: redirects and cookies that are rewritten,
errors that are intercepted, answers that lead elsewhere. What is compared stands in
test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import LOGGED, ask, get, head, sized

from scripted import Answer, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    upstream kept { server 127.0.0.1:ORIGIN; }
    map $arg_flag $flag { default ""; s secure; h httponly; x odd; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }

        location /default/ { proxy_pass http://kept/base/; }
        location /default-said/ { proxy_pass http://kept/base/; proxy_redirect default; }
        location /default-and/ {
            proxy_pass http://kept/base/;
            proxy_redirect http://other/ /o/;
            proxy_redirect default;
            proxy_redirect / /last/;
        }
        location /off/ { proxy_pass http://kept/base/; proxy_redirect off; }
        location /literal/ {
            proxy_pass http://kept;
            proxy_redirect http://a.example/ http://b.example/x/;
            proxy_redirect http://$host/ /h/;
            proxy_redirect /up/ $scheme://$host:$server_port/down/;
            proxy_redirect "" /empty/;
        }
        location /regex/ {
            proxy_pass http://kept;
            proxy_redirect ~^http://(?<name>[a-z]+)\\.example/(.*)$ /$name/$2;
            proxy_redirect ~*^HTTP://([^/]+)(.*)$ http://new.example/$1$2;
        }
        location ~ ^/matched { proxy_pass http://kept; }
        location /relative/ { absolute_redirect off; proxy_pass http://kept/base/; }
        location /outer/ {
            proxy_pass http://kept/outer/;
            location /outer/inner/ { proxy_pass http://kept/inner/; }
            location /outer/own/ { proxy_pass http://kept/own/; proxy_redirect / /x/; }
        }
        location /if/ {
            if ($arg_a) { proxy_pass http://kept; }
            proxy_pass http://kept/base/;
        }

        location /cookies/ {
            proxy_pass http://kept;
            proxy_cookie_domain localhost example.org;
            proxy_cookie_domain .dotted.example .new.example;
            proxy_cookie_domain ~^(\\w+)\\.regex\\.example$ $1.other.example;
            proxy_cookie_domain $host changed;
            proxy_cookie_path /one/ /two/;
            proxy_cookie_path ~*^/CASE/(.*)$ /found/$1;
            proxy_cookie_path $uri /same;
        }
        location /flags/ {
            proxy_pass http://kept;
            proxy_cookie_flags one secure httponly samesite=strict;
            proxy_cookie_flags two nosecure nohttponly nosamesite;
            proxy_cookie_flags ~^re samesite=Lax;
            proxy_cookie_flags $arg_c $flag;
            proxy_cookie_flags odd SECURE odd samesite=none;
        }
        location /cookies-off/ {
            proxy_cookie_domain off;
            proxy_cookie_path off;
            proxy_cookie_flags off;
            proxy_pass http://kept;
        }

        location /intercept/ {
            proxy_intercept_errors on;
            error_page 404 /page;
            error_page 500 = @named;
            error_page 401 403 /page;
            error_page 302 =200 /page;
            error_page 503 =418 /page;
            error_page 502 /kept-page;
            proxy_pass http://kept;
        }
        location /lost/ { error_page 502 @nobody; proxy_pass http://127.0.0.1:REFUSED; }
        location /lost-intercepted/ {
            proxy_intercept_errors on;
            error_page 404 @nobody;
            proxy_pass http://kept;
        }
        location /not-intercepted/ { error_page 404 /page; proxy_pass http://kept; }
        location /page { return 200 "page $uri $upstream_status $upstream_http_x_up\\n"; }
        location /kept-page { proxy_pass http://kept; proxy_intercept_errors on; }
        location @named { return 200 "named $uri\\n"; }

        location /accel/ { proxy_pass http://kept; }
        location /accel-ignored/ { proxy_pass http://kept; proxy_ignore_headers X-Accel-Redirect; }
        location /accel-rewritten/ { proxy_pass http://kept; proxy_cookie_path / /p/; }
        location /inside/ {
            internal;
            return 200 "inside $uri $args $request_method $upstream_http_x_up\\n";
        }
        location /inside-up/ { internal; proxy_pass http://kept; }
        location /inside-type { internal; return 200 "$sent_http_content_type\n"; }
        location /inside-moved { internal; return 302 /elsewhere; }
        location @inside { return 200 "at $uri $args $request_method\\n"; }
        location @inside-up { proxy_pass http://kept; }
        location /circle { proxy_pass http://kept; }
    }
"""


def moved(*lines: str) -> list[bytes]:
    return [sized(b"", *lines, status="302 Found")]


def redirects() -> Iterator[Case]:
    table = {
        "/default/": ("http://kept/base/x", "http://kept/b", "/base/x", "http://kept/base", ""),
        "/default-said/": ("http://kept/base/x?y#z",),
        "/default-and/": ("http://other/x", "http://kept/base/x", "/y"),
        "/off/": ("http://kept/base/x", "/y"),
        "/literal/": ("http://a.example/y", "http://first/", "/up/x", "z"),
        "/regex/": ("http://abc.example/x?y", "http://abc.example:80/x", "HTTP://ABC.example/x"),
        "/matched": ("http://kept/x", "http://kept"),
        "/relative/": ("http://kept/base/x",),
        "/outer/": ("http://kept/outer/x", "http://kept/inner/x"),
        "/outer/inner/": ("http://kept/outer/x", "http://kept/inner/x"),
        "/outer/own/": ("http://kept/own/x", "/y"),
        "/if/": ("http://kept/base/x", "http://kept/x"),
        "/if/?a=1": ("http://kept/base/x", "http://kept/x"),
    }
    for target, values in table.items():
        for value in values:
            yield Case(f"{target} {value}", get(target), moved(f"Location: {value}"))
    for value in ("5; url=http://kept/base/x", "5;URL=/x", "5", "0; url="):
        yield Case(f"refresh {value}", get("/default/"), [sized(b"", f"Refresh: {value}")])
    yield Case(
        "two locations", get("/default/"), moved("Location: /a", "Location: http://kept/base/")
    )
    yield Case(
        "created", get("/default/"), [sized(b"x", "Location: http://kept/base/", status="201 C")]
    )
    yield Case(
        "chunked",
        get("/default/"),
        [
            head("200 OK", "Transfer-Encoding: chunked", "Location: http://kept/base/", "X-Up: 1")
            + b"0\r\n\r\n"
        ],
    )


def cookies() -> Iterator[Case]:
    for value in (
        "a=b; Domain=localhost; path=/",
        "a=b; domain=.LOCALHOST; Path=/one/x",
        "a=b; domain=x.localhost",
        "a=b; domain=dotted.example; domain=.dotted.example",
        "a=b;domain=abc.REGEX.example;path=/case/X",
        "a=b; domain=first; path=/cookies/",
        "a=b; domain",
        "a; domain=localhost",
        "a=; domain=localhost",
        " a = b ;;  path = /one/ ; x ; Domain = localhost ;",
        "path=/one/",
        "",
    ):
        yield Case(f"cookie {value}", get("/cookies/"), [sized(b"", f"Set-Cookie: {value}")])
    for value in (
        *("one=1", "ONE=1; secure; HTTPONLY; samesite=x; samesite", "one=1; Path=/; Secure"),
        *("two=1; SECURE; HttpOnly; SameSite=Lax; x", "two=1; x", "rest=1; SameSite=None", "re=1"),
        *("odd=1; a", "other=1", "one", "one=1;Secure;Secure"),
    ):
        yield Case(f"flags {value}", get("/flags/"), [sized(b"", f"Set-Cookie: {value}")])
    for flag in ("s", "h", "x", "none"):
        yield Case(
            f"flag {flag}", get(f"/flags/?c=v&flag={flag}"), [sized(b"", "Set-Cookie: v=1; p")]
        )
    both = [sized(b"", "Set-Cookie: one=1; path=/", "X-Up: 1", "Set-Cookie: two=1; secure")]
    yield Case("two cookies", get("/flags/"), both)
    yield Case("cookies-off", get("/cookies-off/"), both)


def intercepted() -> Iterator[Case]:
    for status in ("404 Not Found", "500 X", "403 No", "302 Found", "503 Busy", "200 OK", "410 G"):
        answer = sized(b"theirs", "X-Up: 1", "Location: /x", "Set-Cookie: a=b", status=status)
        yield Case(f"intercept {status}", get("/intercept/?x"), [answer])
    challenge = sized(
        b"",
        "WWW-Authenticate: Basic realm=a",
        "X-Up: 1",
        "WWW-Authenticate: Digest b",
        status="401 Unauthorized",
    )
    yield Case("intercept 401", get("/intercept/"), [challenge])
    yield Case("401 alone", get("/not-intercepted/"), [challenge])
    yield Case("not-intercepted", get("/not-intercepted/"), [sized(b"no", status="404 N")])
    yield Case("error page nowhere", get("/lost/"))
    yield Case("intercept, nowhere", get("/lost-intercepted/"), [sized(b"no", status="404 N")])
    yield Case("intercept without pages", get("/kept-page"), [sized(b"no", status="404 N")])
    bad = Answer((sized(b"theirs", status="502 Bad"),))
    yield Case("intercept, upstream again", get("/intercept/"), answers={"/intercept/": bad})
    twice = {"/intercept/": bad, "/kept-page": bad}
    yield Case("intercept, upstream again, bad", get("/intercept/"), answers=twice)
    yield Case(
        "intercept HEAD",
        ask("HEAD", "/intercept/"),
        [head("404 N", "Content-Length: 5")],
        heads=[0],
    )
    post = ask("POST", "/intercept/", "Content-Length: 3", body=b"abc")
    yield Case("intercept POST", post, answers={"/intercept/": bad})
    yield Case(
        "intercept, kept alive",
        get("/intercept/", close=False) + get("/intercept/"),
        [sized(b"", status="404 N")],
    )
    length = [head("404 N", "Content-Length: 2000") + b"x" * 2000]
    yield Case("intercept, long", get("/intercept/", close=False) + get("/intercept/"), length)


def accelerated() -> Iterator[Case]:
    lines = (
        *("Content-Type: a/b", "Set-Cookie: a=b; path=/", "X-Up: 1", "Set-Cookie: c=d"),
        *("Cache-Control: private", "Expires: Thu, 01 Jan 1970 00:00:01 GMT", "ETag: e"),
        *("Content-Disposition: attachment", "Cache-Control: no-cache", "Vary: a", "Link: b"),
        *("Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT", "X-Other: 1", "Refresh: 1"),
    )

    def to(target: str, *more: str, status: str = "200 OK") -> bytes:
        return sized(b"theirs", f"X-Accel-Redirect: {target}", *more, status=status)

    for target in (
        *("/inside/a", "/inside/a?b=c", "/inside/a%20b%3Fc?d%20e", "?x", "../x"),
        *("/inside/../x", "/inside/%2e%2e/x", "/nowhere%2f..", "@inside", "@nobody", ""),
        *("/inside-moved", "/inside-up/x?y", "@inside-up"),
    ):
        first = {"/accel/?k": Answer((to(target),))}
        yield Case(f"accel {target}", get("/accel/?k"), answers=first)
    for status in ("404 Not Found", "302 Found", "500 X"):
        yield Case(f"accel with {status}", get("/accel/"), [to("/inside/", status=status)])
    yield Case("accel, type kept", get("/accel/"), [to("/inside-type", "Content-Type: a/b")])
    yield Case("accel, lines kept", get("/accel/"), [to("/inside/", *lines)])
    again = {"/accel/": Answer((to("/inside-up/", *lines),))}
    yield Case("accel, lines kept over another", get("/accel/"), answers=again)
    yield Case(
        "accel, lines of both",
        get("/accel/"),
        answers=again
        | {"/inside-up/": Answer((sized(b"x", "Cache-Control: x", "Content-Type: c/d"),))},
    )
    yield Case("accel, lines kept for a redirect", get("/accel/"), [to("/inside-moved", *lines)])
    yield Case("accel, lines rewritten", get("/accel-rewritten/"), [to("/inside/", *lines)])
    yield Case("accel ignored", get("/accel-ignored/"), [to("/inside/", *lines)])
    yield Case("accel twice", get("/accel/"), [to("/inside/1", "X-Accel-Redirect: /inside/2")])
    yield Case(
        "accel HEAD",
        ask("HEAD", "/accel/"),
        [head("200 OK", "X-Accel-Redirect: /inside/")],
        heads=[0],
    )
    body = {"/accel/": Answer((to("/inside-up/"),))}
    yield Case("accel POST", ask("POST", "/accel/", "Content-Length: 3", body=b"abc"), answers=body)
    named = {"/accel/": Answer((to("@inside-up"),)), "/accel/x": Answer((to("@inside"),))}
    yield Case(
        "accel POST named", ask("POST", "/accel/", "Content-Length: 3", body=b"abc"), answers=named
    )
    yield Case(
        "accel POST to text",
        ask("POST", "/accel/x", "Content-Length: 3", body=b"abc"),
        answers=named,
    )
    yield Case("accel circle", get("/circle"), [to("/circle")])
    yield Case(
        "accel without length",
        get("/accel/"),
        [head("200 OK", "X-Accel-Redirect: /inside/") + b"xyz", "fin"],
    )
    yield Case(
        "accel, kept alive",
        get("/accel/", close=False) + get("/accel/", close=False) + get("/"),
        [sized(b"", "X-Accel-Redirect: /inside/")],
        answers={},
    )


CASES = [*redirects(), *cookies(), *intercepted(), *accelerated()]
_VARIABLES = variables([*LOGGED, "sent_http_set_cookie"])


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_VARIABLES) as theirs,
            Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_replies_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
