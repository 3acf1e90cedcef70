"""Locations that ask for whatever comes to mind, against nginx: how directives go together."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from entry_setup import steady, user
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, get, head, sized

from scripted import Answer, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

_LOCATIONS = 40
_NAMED = ("v0", "v1", "v2", "v3")
_AROUND = (
    "",
    "deny all; satisfy any; auth_basic o; auth_basic_user_file FOLDER/users;",
    "auth_request /sub/up;",
    "error_page 403 /back;",
    "allow 127.0.0.1; deny all;",
    "set_real_ip_from 127.0.0.1; real_ip_header X-Real;",
)
_ALONE = """
    location /marker/ { auth_request off; allow all; auth_basic off; return 204; }
    location = /sub/204 { return 204; }
    location = /sub/403 { return 403; }
    location = /sub/401 { return 401; }
    location = /sub/404 { return 404; }
    location = /sub/up { proxy_pass http://kept; proxy_set_header X-M "$request_method $uri"; }
    location = /sub/up401 { proxy_pass http://kept; }
    location = /sub/file { alias FOLDER/users; }
    location = /sub/page { error_page 404 = /sub/204; return 404; }
    location = /sub/deny { deny all; limit_req zone=k burst=1 nodelay; proxy_pass http://kept; }
    location = /sub/set { set $v1 sub; proxy_pass http://kept; }
    location = /back { proxy_pass http://kept; }
    location @up { proxy_pass http://kept; }
    location @denied { deny all; proxy_pass http://kept; }
"""
# How often a choice is made, and what is chosen from; `N` is another location's number.
_CHOICES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.5, ("deny all;", "allow 127.0.0.1; deny all;", "deny 10.0.0.0/8;", "deny 127.0.0.1;")),
    (0.5, ("satisfy any;", "satisfy all;")),
    (
        0.4,
        (
            "auth_basic r; auth_basic_user_file FOLDER/users;",
            "auth_basic $arg_r; auth_basic_user_file FOLDER/users;",
            "auth_basic r; auth_basic_user_file FOLDER/none;",
            "auth_basic off;",
        ),
    ),
    (
        0.5,
        (
            *(f"auth_request /sub/{name};" for name in ("204", "403", "401", "404", "up", "up401")),
            *(f"auth_request /sub/{name};" for name in ("file", "page", "deny", "set")),
            *("auth_request /lN;", "auth_request off;"),
        ),
    ),
    (0.3, ('auth_request_set $v0 "$upstream_status";', 'auth_request_set $v1 "$uri$v0$status";')),
    (
        0.4,
        (
            *("error_page 401 403 @up;", "error_page 403 = @up;", "error_page 401 /back;"),
            *("error_page 403 503 =418 /back;", "error_page 401 403 500 = /lN;"),
            *("error_page 404 =301 http://y/$uri;", "error_page 403 @none;"),
            "error_page 404 500 = @denied;",
        ),
    ),
    (0.2, ("recursive_error_pages on;",)),
    (0.2, ("limit_req zone=k;", "limit_req zone=k burst=1 nodelay; limit_req_status 401;")),
    (0.15, ("limit_req_dry_run on;",)),
    (0.2, ("limit_conn c 1;",)),
    (0.15, ("limit_except GET { deny all; }", "limit_except POST { allow all; }")),
    (0.15, ("log_subrequest on;",)),
    (0.15, ("internal;",)),
    (0.2, ("set_real_ip_from 127.0.0.1; real_ip_header X-Real;",)),
    (0.15, ("if ($arg_z) { return 402; }", "if ($arg_z) { rewrite ^ /back last; }")),
    (
        1.0,
        (
            *("proxy_pass http://kept;", "proxy_pass http://kept/other;", "alias FOLDER/users;"),
            *("try_files /none =404;", "try_files /none @up;", "return 200 rewriting;"),
            *("proxy_pass http://127.0.0.1:REFUSED;", "rewrite ^ /back last;", "return 403;"),
        ),
    ),
)
_ANSWERS = {
    "/sub/up401": Answer((sized(b"", "WWW-Authenticate: up", status="401 Unauthorized"),)),
    "/sub/up": Answer((head("204 No Content", "X-One: 1"),)),
}
_LOGGED = variables(
    (
        *("status", "uri", "remote_addr", "remote_user", "request_method", "upstream_status"),
        *("limit_req_status", "limit_conn_status", "sent_http_www_authenticate", *_NAMED),
    )
)


def configuration(seed: int) -> str:
    source = random.Random(seed)  # noqa: S311 (it is to be the same each time)
    locations = []
    for number in range(_LOCATIONS):
        said = [source.choice(texts) for odds, texts in _CHOICES if source.random() < odds]
        source.shuffle(said)
        said.append(f'proxy_set_header X-Seen "{"|".join(f"${name}" for name in _NAMED)}";')
        text = " ".join(said).replace("/lN", f"/l{source.randrange(_LOCATIONS)}")
        locations.append(f"    location = /l{number} {{ {text} }}")
    sets = " ".join(f"auth_request_set ${name} {name};" for name in _NAMED)
    return "\n".join(
        (
            "limit_req_zone $arg_k zone=k:1m rate=1r/m;",
            "limit_conn_zone $arg_k zone=c:1m;",
            "upstream kept { server 127.0.0.1:ORIGIN; keepalive 8; }",
            "server { listen 127.0.0.1:@PORT@; server_name first;",
            f"    uninitialized_variable_warn off; {source.choice(_AROUND)}",
            f"    location = /sets {{ {sets} return 204; }}",
            _ALONE,
            *locations,
            "}",
        )
    )


def cases() -> Iterator[Case]:
    for number in range(_LOCATIONS):
        target = f"/l{number}?k={number}"
        known = (user("plain"), "X-Real: 1.2.3.4")
        yield Case(target, get(target), answers=_ANSWERS)
        yield Case(f"{target} known", get(f"{target}&z=1", *known), answers=_ANSWERS)
        yield Case(f"{target} POST", ask("POST", f"{target}&r=off"), answers=_ANSWERS)


@pytest.mark.parametrize("seed", [3, 9])
def test_like_nginx(nginx: Program, surehop_nginx: Program, tmp_path: Path, seed: int) -> None:
    (tmp_path / "users").write_text("plain:{PLAIN}good\n")
    for each in (tmp_path, tmp_path / "users", *tmp_path.parents[:2]):
        each.chmod(0o755)
    with Scripted() as origin, Port() as refused:
        http = configuration(seed).replace("FOLDER", str(tmp_path))
        http = http.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_LOGGED) as theirs,
            Subject(surehop_nginx, http, variables=_LOGGED) as ours,
        ):
            benches = Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)
            for case in cases():
                seen = [[steady(line) for line in bench.run(case).lines()] for bench in benches]
                assert seen[1] == seen[0], f"{case.name}\n{unlike(seen[0], seen[1])}\n{http}"
