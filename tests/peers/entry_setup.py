# ruff: noqa: E501 (a location a line)
"""The configuration and the requests by which the entry is compared with nginx."""

import base64
import re

from likeness import Case
from relay_setup import ask, get, head, sized

from scripted import Answer

# A password, and what it is in each of the ways to keep one.
GOOD = "good"
USERS = r"""# a comment
crypt:sa4EQlvRoTMww
md5:$1$salt$nv3ocNtLSqERkOE0R.yRv1
apr1:$apr1$xxxxxxxx$dybAP87rlyO9552vYKm4q/
sha256:$5$salt$IuFuQkEDixjpRVAgGxHHqVsT9qxFIATGOewgU95pRV5
rounds:$5$rounds=1234$anothersalt$3uplt1aOSZqkcms9HOtx0/GonG1puOd0Ir5raH0hCe8
sha512:$6$salt$4I8rEi4IWurjx3YvhmQFqzhDVyxcE0bDngjuM6fD3r1Kan0P7P3JFb7nOmJ1wGMbeSiZJwWns9lmE46MKm5361
bcrypt:$2y$05$abcdefghijklmnopqrstuuNF5/gKGv1vSzRBclZtmf77tbZMWqiPK
plain:{PLAIN}good
sha:{SHA}/BkxjdExKM4UNE0GZRCpgiacJBs=
ssha:{SSHA}gVPFKSVobQnEn8GpYtM9nr/+TGdzYWx0
badssha:{SSHA}!!
empty:
comment:{PLAIN}good:what else is known
short
skipped:{PLAIN}good
crlf:{PLAIN}good"""

HTTP = r"""
    limit_req_zone $arg_k zone=one:1m rate=1r/m;
    limit_req_zone $arg_j zone=two:1m rate=1r/m;
    limit_req_zone $arg_k zone=quick:1m rate=100r/s;
    limit_req_zone $arg_k$arg_a zone=long:1m rate=1r/m;
    limit_conn_zone $arg_c zone=conn:1m;
    limit_conn_zone $server_name zone=conns:1m;
    map $arg_off $realm { default "area $arg_r"; 1 off; }
    geo $here { default elsewhere; 10.0.0.0/8 ten; 127.0.0.0/8 home; 2001:db8::/32 six; }
    upstream kept { server 127.0.0.1:ORIGIN; keepalive 8; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }

        location /rule/deny { deny all; proxy_pass http://kept; }
        location /rule/allow { allow 127.0.0.1; deny all; proxy_pass http://kept; }
        location /rule/order { deny 127.0.0.0/8; allow all; proxy_pass http://kept; }
        location /rule/other { deny 10.0.0.0/8; deny ::/0; deny unix:; proxy_pass http://kept; }
        location /rule/outer { deny all; location /rule/outer/in { allow all; proxy_pass http://kept; } proxy_pass http://kept; }
        location /rule/inherited { deny all; location /rule/inherited/in { proxy_pass http://kept; } proxy_pass http://kept; }
        location /rule/return { deny all; return 200 "rewriting comes first\n"; }
        location /rule/page { deny all; error_page 403 = /fallback; proxy_pass http://kept; }
        location /rule/named { deny all; error_page 403 @named; proxy_pass http://kept; }
        location /rule/circle { deny all; error_page 403 /rule/circle; proxy_pass http://kept; }
        location /rule/if { deny all; if ($arg_a) { set $x 1; } proxy_pass http://kept; }
        location /rule/rewrite { deny all; rewrite ^ /fallback last; }
        location /rule/after { error_page 502 /rule/deny; proxy_pass http://127.0.0.1:REFUSED; }
        location /fallback { proxy_pass http://kept; }
        location @named { proxy_pass http://kept; }
        location @denied { deny all; proxy_pass http://kept; }
        location /rule/named-denied { error_page 502 @denied; proxy_pass http://127.0.0.1:REFUSED; }

        location /except/get { limit_except GET { deny all; } proxy_pass http://kept; }
        location /except/post { limit_except POST PUT { deny all; } proxy_pass http://kept; }
        location /except/lower { limit_except get { deny all; } proxy_pass http://kept; }
        location /except/allow { deny all; limit_except GET { allow all; } proxy_pass http://kept; }
        location /except/basic { limit_except GET { auth_basic limited; auth_basic_user_file FOLDER/users; } proxy_pass http://kept; }
        location /except/proxy { limit_except GET { proxy_pass http://127.0.0.1:REFUSED; } proxy_pass http://kept; }
        location /except/return { limit_except GET { deny all; } return 200 "returned\n"; }
        location /except/if { limit_except GET { deny all; } if ($arg_a) { set $x 1; } proxy_pass http://kept; }
        location /except/inherited { deny 10.0.0.0/8; limit_except GET { deny 11.0.0.0/8; } proxy_pass http://kept/base/; }
        location ~ ^/except/re(.*)$ { limit_except GET { deny all; } proxy_pass http://kept; }

        location /basic/users { auth_basic closed; auth_basic_user_file FOLDER/users; proxy_pass http://kept; }
        location /basic/realm { auth_basic $realm; auth_basic_user_file FOLDER/users; proxy_pass http://kept; }
        location /basic/file { auth_basic closed; auth_basic_user_file FOLDER/$arg_f; proxy_pass http://kept; }
        location /basic/folder { auth_basic closed; auth_basic_user_file FOLDER; proxy_pass http://kept; }
        location /basic/inner { auth_basic closed; auth_basic_user_file FOLDER/users;
            location /basic/inner/off { auth_basic off; proxy_pass http://kept; } proxy_pass http://kept; }
        location /basic/none { auth_basic closed; proxy_pass http://kept; }
        location /basic/page { auth_basic closed; auth_basic_user_file FOLDER/users; error_page 401 = /fallback; proxy_pass http://kept; }
        location /basic/named { auth_basic closed; auth_basic_user_file FOLDER/users; error_page 401 @named; proxy_pass http://kept; }
        location /basic/delay { auth_basic closed; auth_basic_user_file FOLDER/users; auth_delay 20ms; proxy_pass http://kept; }
        location /basic/passed { auth_basic closed; auth_basic_user_file FOLDER/users; proxy_pass http://kept; proxy_set_header X-User $remote_user; }

        location /any/rule { satisfy any; deny all; auth_basic closed; auth_basic_user_file FOLDER/users; proxy_pass http://kept; }
        location /any/allowed { satisfy any; allow 127.0.0.1; deny all; auth_basic closed; auth_basic_user_file FOLDER/users; proxy_pass http://kept; }
        location /any/alone { satisfy any; deny all; proxy_pass http://kept; }
        location /any/none { satisfy any; proxy_pass http://kept; }
        location /any/unmatched { satisfy any; deny 10.0.0.0/8; proxy_pass http://kept; }
        location /any/ask { satisfy any; deny all; auth_request /sub/401; proxy_pass http://kept; }
        location /any/admitted { satisfy any; deny all; auth_basic closed; auth_basic_user_file FOLDER/users; auth_request /sub/204; proxy_pass http://kept; }
        location /any/broken { satisfy any; deny all; auth_request /sub/404; proxy_pass http://kept; }
        location /any/delay { satisfy any; deny all; auth_basic closed; auth_basic_user_file FOLDER/users; auth_delay 20ms; proxy_pass http://kept; }
        location /all/both { satisfy all; allow all; auth_basic closed; auth_basic_user_file FOLDER/users; auth_request /sub/204; proxy_pass http://kept; }
        location /all/denied { deny all; auth_basic closed; auth_basic_user_file FOLDER/users; auth_request /sub/204; proxy_pass http://kept; }

        location /ask/ok { auth_request /sub/up; proxy_pass http://kept; }
        location /ask/off { auth_request /sub/403; location /ask/off/in { auth_request off; proxy_pass http://kept; } }
        location /ask/204 { auth_request /sub/204; proxy_pass http://kept; }
        location /ask/201 { auth_request /sub/201; proxy_pass http://kept; }
        location /ask/403 { auth_request /sub/403; proxy_pass http://kept; }
        location /ask/401 { auth_request /sub/401; proxy_pass http://kept; }
        location /ask/401-up { auth_request /sub/up401; proxy_pass http://kept; }
        location /ask/404 { auth_request /sub/404; proxy_pass http://kept; }
        location /ask/301 { auth_request /sub/301; proxy_pass http://kept; }
        location /ask/502 { auth_request /sub/502; proxy_pass http://kept; }
        location /ask/nothing { auth_request /sub/nothing; proxy_pass http://127.0.0.1:REFUSED; }
        location /ask/args { auth_request /sub/up?a=b; proxy_pass http://kept; }
        location /ask/internal { auth_request /sub/internal; proxy_pass http://kept; }
        location /ask/denied { auth_request /sub/denied; proxy_pass http://kept; }
        location /ask/page { auth_request /sub/401; error_page 401 = @named; proxy_pass http://kept; }
        location /ask/page-uri { auth_request /sub/403; error_page 403 = /fallback; proxy_pass http://kept; }
        location /ask/page-asks { auth_request /sub/403; error_page 403 = /ask/ok; proxy_pass http://kept; }
        location /ask/sub-page { auth_request /sub/page; proxy_pass http://kept; }
        location /ask/rewritten { auth_request /sub/rewritten; proxy_pass http://kept; }
        location /ask/set { auth_request /sub/up; auth_request_set $seen "$upstream_status:$upstream_http_x_one:$uri:$request_uri:$args"; auth_request_set $twice $seen$upstream_http_x_one; proxy_set_header X-Seen "$seen|$twice|$upstream_status"; proxy_pass http://kept; }
        location /ask/set-args { auth_request /sub/up; auth_request_set $args "x=$upstream_status"; proxy_pass http://kept/base/; }
        location /ask/set-shared { set $shared 1; auth_request /sub/shared; proxy_set_header X-Shared $shared; proxy_pass http://kept; }
        location /ask/set-401 { auth_request /sub/up401; auth_request_set $seen "$upstream_http_www_authenticate"; error_page 401 = @seen; proxy_pass http://kept; }
        location @seen { return 200 "seen $seen\n"; }
        location /ask/body { auth_request /sub/bodiless; proxy_pass http://kept; }
        location /ask/large { auth_request /sub/small; client_max_body_size 100; proxy_pass http://kept; }
        location /ask/logged { log_subrequest on; auth_request /sub/logged; proxy_pass http://kept; }
        location /ask/dropped { auth_request /sub/444; proxy_pass http://kept; }
        location /ask/file { auth_request /sub/file; proxy_pass http://kept; }
        location /ask/folder { auth_request /sub/folder/; proxy_pass http://kept; }
        location /ask/gone { auth_request /sub/gone; proxy_pass http://kept; }
        location /ask/accel { auth_request /sub/accel; proxy_pass http://kept; }
        location /ask/accel-named { auth_request /sub/accel-named; proxy_pass http://kept; }
        location /ask/intercepted { auth_request /sub/intercepted; proxy_pass http://kept; }
        location /ask/hidden { auth_request /sub/hidden; proxy_pass http://kept; }
        location /ask/slow { auth_request /sub/slow; proxy_pass http://kept; }
        location /ask/own-file { auth_request /sub/204; alias FOLDER/users; }
        location /ask/tried { auth_request /sub/403; try_files /nothing @named; }
        location /ask/cycle { auth_request /sub/cycle; proxy_pass http://kept; }
        location /ask/self { auth_request /ask/self; proxy_pass http://kept; }
        location /ask/lent { auth_request /sub/up; auth_request_set $cookie $upstream_http_set_cookie; add_header Set-Cookie $cookie; proxy_pass http://kept; }
        location /ask/limited { auth_request /sub/limited; limit_req zone=one; proxy_pass http://kept; }

        location /sub/up { proxy_pass http://kept; proxy_set_header X-Sub "$request_method $request_uri $uri $args $remote_user"; }
        location /sub/204 { return 204; }
        location /sub/201 { return 201 "created"; }
        location /sub/403 { return 403; }
        location /sub/401 { return 401; }
        location /sub/404 { return 404; }
        location /sub/301 { return 301 /x; }
        location /sub/444 { return 444; }
        location /sub/up401 { proxy_pass http://kept; }
        location /sub/502 { proxy_pass http://127.0.0.1:REFUSED; }
        location /sub/internal { internal; return 200; }
        location /sub/denied { deny all; auth_basic closed; auth_basic_user_file FOLDER/users; proxy_pass http://kept; }
        location /sub/page { error_page 404 =200 /sub/403; return 404; }
        location /sub/rewritten { rewrite ^ /sub/up break; proxy_pass http://kept; }
        location /sub/shared { set $shared "$shared+2"; proxy_pass http://kept; }
        location /sub/bodiless { proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://kept; }
        location /sub/small { client_max_body_size 1; proxy_pass http://kept; }
        location /sub/logged { log_subrequest on; proxy_pass http://kept; }
        location /sub/file { alias FOLDER/users; }
        location /sub/folder/ { alias FOLDER/; }
        location /sub/gone { alias FOLDER/gone; }
        location /sub/accel { proxy_pass http://kept; }
        location /sub/accel-named { proxy_pass http://kept; }
        location /sub/intercepted { proxy_intercept_errors on; error_page 500 = /sub/204; error_page 401 = /sub/403; proxy_pass http://kept; }
        location /sub/hidden { proxy_hide_header WWW-Authenticate; proxy_pass http://kept; }
        location /sub/slow { proxy_read_timeout 120ms; proxy_pass http://kept; }
        location /sub/cycle { rewrite ^ /sub/cycle last; }
        location /sub/limited { limit_req zone=one; limit_conn conn 1; proxy_pass http://kept; }

        location /req/one { limit_req zone=one; proxy_pass http://kept; }
        location /req/burst { limit_req zone=one burst=2 nodelay; proxy_pass http://kept; }
        location /req/two { limit_req zone=one burst=1 nodelay; limit_req zone=two nodelay; proxy_pass http://kept; }
        location /req/status { limit_req zone=one; limit_req_status 429; limit_req_log_level info; proxy_pass http://kept; }
        location /req/dry { limit_req zone=one; limit_req_dry_run on; limit_req_log_level warn; proxy_pass http://kept; }
        location /req/dry-delay { limit_req zone=one burst=5; limit_req_dry_run on; proxy_pass http://kept; }
        location /req/late { limit_req zone=one burst=5 delay=4; proxy_pass http://kept; }
        location /req/delay { limit_req zone=quick burst=9; proxy_pass http://kept; }
        location /req/quiet { limit_req zone=quick burst=9; limit_req_log_level info; proxy_pass http://kept; }
        location /req/page { limit_req zone=one; error_page 503 =429 /req/one; proxy_pass http://kept; }
        location /req/return { limit_req zone=one; return 200 "rewriting comes first\n"; }
        location /req/before { limit_req zone=one; deny all; proxy_pass http://kept; }
        location /req/once { limit_req zone=one; error_page 502 /req/one; proxy_pass http://127.0.0.1:REFUSED; }
        location /req/444 { limit_req zone=one; limit_req_status 444; proxy_pass http://kept; }
        location /req/499 { limit_req zone=one; limit_req_status 499; proxy_pass http://kept; }
        location /req/inherit { limit_req zone=one; location /req/inherit/in { limit_req zone=two; proxy_pass http://kept; } }
        location /conn/once { limit_conn conn 1; limit_conn conns 5; proxy_pass http://kept; }
        location /conn/long { limit_conn conn 1; proxy_pass http://kept; }
        location /req/long { limit_req zone=long; proxy_pass http://kept; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name real;
        set_real_ip_from 127.0.0.0/8;
        set_real_ip_from 10.0.0.0/8;
        set_real_ip_from unix:;
        real_ip_header X-Forwarded-For;
        location / { proxy_pass http://kept; proxy_set_header X-Real "$remote_addr $realip_remote_addr"; }
        location /deny { deny 1.2.3.0/24; deny 2001:db8::/32; proxy_pass http://kept; }
        location /limited { limit_req zone=one; proxy_pass http://kept; }
        location /return { return 200 "$remote_addr $here\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name recursive;
        set_real_ip_from 127.0.0.0/8;
        set_real_ip_from 10.0.0.0/8;
        real_ip_header X-Forwarded-For;
        real_ip_recursive on;
        location / { proxy_pass http://kept; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name single;
        set_real_ip_from 127.0.0.1;
        location / { proxy_pass http://kept; }
        location /custom { real_ip_header X-Custom; proxy_pass http://kept; }
        location /none { real_ip_header X-None; set_real_ip_from 10.0.0.0/8; proxy_pass http://kept; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name outer;
        deny all;
        auth_request /auth;
        location / { proxy_pass http://kept; }
        location /auth { proxy_pass http://kept; }
        location /open { allow all; proxy_pass http://kept; }
        location /in { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; allow all; proxy_pass http://kept; }
        if ($arg_a) { return 410; }
    }
"""
_EXCESS = re.compile(r"excess: (\d+\.\d{3})")
_CHALLENGES = ("WWW-Authenticate: Basic realm=up", "WWW-Authenticate: Digest x", "X-One: 1")
_REFUSING = {
    "/sub/up401": Answer((sized(b"", *_CHALLENGES, status="401 Unauthorized"),)),
    "/sub/up": Answer((head("204 No Content", "X-One: 1", "Set-Cookie: a=b"),)),
    "/sub/accel": Answer((sized(b"", "X-Accel-Redirect: /sub/204"),)),
    "/sub/accel-named": Answer((sized(b"", "X-Accel-Redirect: @named"),)),
    "/sub/intercepted": Answer((sized(b"", *_CHALLENGES, status="401 Unauthorized"),)),
    "/sub/hidden": Answer((sized(b"who", *_CHALLENGES, status="401 Unauthorized"),)),
    "/sub/slow": Answer(("hang",)),
}


def steady(line: str) -> str:
    """Give a line without what differs by the milliseconds between two requests."""
    if "delaying" in line and '"quick"' in line:
        return _EXCESS.sub("excess: SOME", line)
    return _EXCESS.sub(lambda found: f"excess: {round(float(found[1]))}", line)


def user(name: str, password: str = GOOD) -> str:
    raw = base64.b64encode(f"{name}:{password}".encode())
    return f"Authorization: Basic {raw.decode()}"


def _again(target: str, times: int = 2, *lines: str) -> bytes:
    requests = [get(target, *lines, close=False) for _ in range(times - 1)]
    return b"".join([*requests, get(target, *lines)])


def _plain(text: str) -> list[Case]:
    return [Case(target, get(target)) for target in text.split()]


_USERS = [line.split(":")[0] for line in USERS.splitlines() if ":" in line]
_AUTHORIZATIONS = (
    *("Basic", "Basic ", "Basic    ", "Basic !!!", "Basic dXNlcg==", "Basic OnBhc3M=", "Digest x"),
    *("basic cGxhaW46Z29vZA==", "Basic   cGxhaW46Z29vZA==", "Basic cGxhaW46Z29vZA", "BasicX"),
    *("Basic cGxhaW46Z29vZA==trailing", "Basic cGxhaW46Z29vZAA=", "Basic c", ""),
)
CASES = [
    *_plain("""
        /rule/deny /rule/allow /rule/order /rule/other /rule/outer /rule/outer/in /rule/inherited/in
        /rule/return /rule/page /rule/named /rule/circle /rule/if?a=1 /rule/rewrite /rule/after
        /rule/named-denied
    """),
    *(
        Case(f"{method} {target}", ask(method, target))
        for target in ("/except/get", "/except/post", "/except/lower", "/except/allow")
        for method in ("GET", "POST", "PUT", "OPTIONS", "DELETE", "PURGE")
    ),
    *(
        Case(f"POST {target}", ask("POST", target, "Content-Length: 2", body=b"ab"))
        for target in (
            *("/except/basic", "/except/proxy", "/except/return", "/except/if", "/except/if?a=1"),
            *("/except/inherited", "/except/re", "/ask/body", "/ask/large", "/rule/deny"),
        )
    ),
    Case("HEAD /except/get", ask("HEAD", "/except/get"), heads=[0]),
    *_plain("/except/proxy /except/return /except/basic"),
    *_plain("/basic/users /basic/realm /basic/realm?r=x /basic/realm?off=1 /basic/inner"),
    *_plain("/basic/inner/off /basic/none /basic/page /basic/named /basic/delay /basic/passed"),
    *(Case(f"user {name}", get("/basic/users", user(name))) for name in _USERS),
    *(Case(f"wrong {name}", get("/basic/users", user(name, "bad"))) for name in _USERS),
    *(
        Case(f"user {name!r}", get("/basic/users", user(name, "good")))
        for name in ("nobody", "pla", "plainer", "short", "#", "a b")
    ),
    *(
        Case(f"authorization {value}", get("/basic/users", f"Authorization: {value}"))
        for value in _AUTHORIZATIONS
    ),
    Case("password with a NUL", get("/basic/users", user("plain", "good\x00more"))),
    Case("password with a colon", get("/basic/users", user("plain", "good:"))),
    Case("missing file", get("/basic/file?f=missing", user("plain"))),
    Case("file by a variable", get("/basic/file?f=users", user("plain"))),
    Case("passed", get("/basic/passed", user("apr1"))),
    Case("page with a user", get("/basic/page", user("plain"))),
    Case("delay with a user", get("/basic/delay", user("plain"))),
    *_plain("""
        /any/rule /any/allowed /any/alone /any/none /any/unmatched /any/ask /any/admitted /any/broken
        /any/delay /all/both /all/denied
    """),
    Case("any with a user", get("/any/rule", user("plain"))),
    Case("any with a wrong user", get("/any/rule", user("plain", "bad"))),
    Case("any missing both", get("/any/delay", user("nobody"))),
    Case("all with a user", get("/all/both", user("plain"))),
    Case("all denied with a user", get("/all/denied", user("plain"))),
    *_plain("""
        /ask/ok /ask/off/in /ask/204 /ask/201 /ask/403 /ask/401 /ask/404 /ask/301 /ask/502 /ask/nothing
        /ask/args /ask/internal /ask/denied /ask/page /ask/page-uri /ask/page-asks /ask/sub-page
        /ask/rewritten /ask/set /ask/set?q=1 /ask/set-args?q=1 /ask/set-shared /ask/logged
        /ask/dropped /ask/file /ask/folder /ask/gone /ask/tried /ask/own-file /ask/cycle /ask/self
    """),
    *(
        Case(f"{target} answered otherwise", get(target), answers=_REFUSING)
        for target in (
            *("/ask/ok", "/ask/set", "/ask/401-up", "/ask/set-401", "/ask/page-asks"),
            *("/ask/accel", "/ask/accel-named", "/ask/intercepted", "/ask/hidden", "/ask/slow"),
            "/ask/lent",
        )
    ),
    Case("file for a condition", get("/ask/file", "If-None-Match: *")),
    Case("file for a range", get("/ask/file", "Range: bytes=0-1")),
    Case("kept between", get("/ask/ok", close=False) + get("/ask/403", close=False) + get("/")),
    Case("kept upstream", _again("/ask/ok", 3), answers=_REFUSING),
    Case("asked with a user", get("/ask/ok", user("plain"))),
    Case("asked by HEAD", ask("HEAD", "/ask/ok"), heads=[0]),
    Case("asked by PUT", ask("PUT", "/ask/body", "Content-Length: 3", body=b"abc")),
    Case(
        "asked by PUT in chunks",
        ask("PUT", "/ask/ok", "Transfer-Encoding: chunked", body=b"2\r\nxy\r\n0\r\n\r\n"),
    ),
    Case("refused with a body", ask("POST", "/ask/403", "Content-Length: 2", body=b"ab")),
    Case("asked and limited", _again("/ask/limited?k=asked&c=asked", 2)),
    Case("req one", _again("/req/one?k=one", 3)),
    Case("req empty", _again("/req/one", 3)),
    Case("req burst", _again("/req/burst?k=burst", 5)),
    Case("req two", _again("/req/two?k=two&j=two", 3)),
    Case("req two one", _again("/req/two?k=twoone", 4)),
    Case("req two other", _again("/req/two?j=twoother", 3)),
    Case("req status", _again("/req/status?k=status", 2)),
    Case("req dry", _again("/req/dry?k=dry", 3)),
    Case("req dry delay", _again("/req/dry-delay?k=drydelay", 3)),
    Case("req late", _again("/req/late?k=late", 4)),
    Case("req delay", _again("/req/delay?k=delay", 4)),
    Case("req quiet", _again("/req/quiet?k=quiet", 4)),
    Case("req page", _again("/req/page?k=page", 3)),
    Case("req return", _again("/req/return?k=return", 3)),
    Case("req 444", _again("/req/444?k=444", 2)),
    Case("req 499", _again("/req/499?k=499", 2)),
    Case("req before", _again("/req/before?k=before", 3)),
    Case("req once", _again("/req/once?k=once", 2)),
    Case("req inherit", _again("/req/inherit/in?k=inh&j=inh", 2)),
    Case("req long", get("/req/long?k=" + "x" * 200)),
    Case("conn once", _again("/conn/once?c=once", 3)),
    Case("conn empty", _again("/conn/once", 2)),
    Case("conn long", _again("/conn/long?c=" + "x" * 300, 2)),
    *(
        Case(f"{host} {target} {lines}", ask("GET", target, *lines, host=host))
        for host in ("real", "recursive")
        for target in ("/", "/deny", "/return")
        for lines in (
            (),
            ("X-Forwarded-For: 1.2.3.4",),
            ("X-Forwarded-For: 9.9.9.9, 1.2.3.4",),
            ("X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.1.1.1",),
            ("X-Forwarded-For: 1.2.3.4:567",),
            ("X-Forwarded-For: 2001:db8::1",),
            ("X-Forwarded-For: [2001:db8::1]:80",),
            ("X-Forwarded-For: [2001:db8::1]",),
            ("X-Forwarded-For: unknown",),
            ("X-Forwarded-For: 9.9.9.9 ,,  1.2.3.4 , ",),
            ("X-Forwarded-For: ,",),
            ("X-Forwarded-For: 5.5.5.5, junk, 10.2.2.2",),
            ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 1.2.3.4"),
            ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 10.1.1.1"),
            ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: junk"),
            ("X-Forwarded-For: 10.9.9.9, 10.1.1.1",),
            ("X-Forwarded-For: 01.002.3.4",),
            ("X-Forwarded-For: 1.2.3.4:0",),
            ("X-Real-IP: 1.2.3.4",),
        )
    ),
    *(
        Case(f"single {target} {lines}", ask("GET", target, *lines, host="single"))
        for target in ("/", "/custom", "/none")
        for lines in (
            ("X-Real-IP: 1.2.3.4",),
            ("X-Real-IP: 1.2.3.4, 5.6.7.8",),
            ("X-Real-IP: 1.2.3.4", "X-Real-IP: 5.6.7.8"),
            ("X-Custom: 1.1.1.1", "X-Custom: 2.2.2.2"),
        )
    ),
    Case(
        "who it is is asked each time",
        ask("GET", "/", "X-Forwarded-For: 1.2.3.4", host="real", close=False)
        + ask("GET", "/", host="real", close=False)
        + ask("GET", "/deny", "X-Forwarded-For: 1.2.3.4", host="real"),
    ),
    *(
        Case(f"outer {target}", ask("GET", target, "X-Forwarded-For: 1.2.3.4", host="outer"))
        for target in ("/", "/open", "/in", "/auth", "/open?a=1")
    ),
]
