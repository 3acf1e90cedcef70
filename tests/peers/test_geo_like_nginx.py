"""`geo` against nginx: networks, ranges, proxies, and what is no address at all."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import get

from scripted import Scripted
from surehop.lab.subjects import Program, Subject

HTTP = r"""
    geo $arg_ip $narrow { 10.0.0.0/8 a; 10.0.0.0/16 b; 10.0.0.0/24 c; 10.0.0.7 d; 10.255.0.0/16 e; }
    geo $arg_ip $default { default none; 10.0.0.0/8 a; 10.64.0.0/10 none; 2001:db8::/32 six; }
    geo $arg_ip $everything { 0.0.0.0/0 four; ::/0 six; 255.255.255.255 last; }
    geo $arg_ip $deleted { default x; 10.0.0.0/8 a; 10.0.0.0/16 b; delete 10.0.0.0/16; }
    geo $arg_ip $ranged {
        ranges;
        default none;
        10.0.0.0-10.2.3.4 a;
        10.0.0.5-10.0.0.6 b;
        10.1.0.0-10.1.255.255 c;
        10.2.3.5-10.2.3.5 d;
        11.0.0.0-11.0.0.9 e;
        delete 11.0.0.0-11.0.0.9;
    }
    geo $arg_ip $mapped { ::ffff:10.0.0.0/104 six; 10.0.0.0/16 four; }
    geo $proxied { proxy 127.0.0.1; 127.0.0.0/8 home; 10.0.0.0/8 ten; 9.0.0.0/8 nine; }
    geo $followed {
        default none;
        proxy 127.0.0.0/8;
        proxy 10.0.0.0/8;
        proxy_recursive;
        127.0.0.0/8 home;
        10.0.0.0/8 ten;
        9.0.0.0/8 nine;
    }
    geo $arg_ip $far { default none; proxy 10.0.0.0/8; 10.0.0.0/8 ten; 9.0.0.0/8 nine; }
    geo $included { default none; include FOLDER/networks; }
    geo $unix { default none; 255.255.255.255 last; 127.0.0.0/8 home; }
    server {
        listen 127.0.0.1:@PORT@;
        listen unix:FOLDER/SOCKET;
        server_name first;
        location /marker/ { return 204; }
        location / { return 200 "VALUES\n"; }
    }
"""
_NAMES = (
    *("narrow", "default", "everything", "deleted", "ranged", "mapped", "proxied", "followed"),
    *("far", "included", "unix"),
)
_ADDRESSES = """
    10.0.0.0 10.0.0.7 10.0.0.8 10.0.1.0 10.1.0.0 10.127.255.255 10.128.0.0 10.255.1.1 11.0.0.0
    9.255.255.255 0.0.0.0 255.255.255.255 2001:db8::1 2001:db9:: :: ::1 ::ffff:10.0.0.1 none
    10.0.0.5 10.0.0.4 10.0.0.6 10.2.3.4 10.2.3.5 10.2.3.6 11.0.0.5 [::1] 10.0.0 10.0.0.1:80
    010.000.000.007 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
""".split()  # noqa: SIM905 (a paragraph can be read)
_FORWARDED = (
    *("9.9.9.9", "10.1.1.1", "9.9.9.9, 10.1.1.1", "10.1.1.1, 9.9.9.9", "junk", "9.9.9.9, junk"),
    *("9.9.9.9:80", "9.9.9.9,10.1.1.1 , 10.2.2.2", "2001:db8::1", "", "unix:"),
)
CASES = [
    Case("none", get("/")),
    *(Case(address, get(f"/?ip={address}")) for address in _ADDRESSES),
    *(Case(f"by {line}", get("/", f"X-Forwarded-For: {line}")) for line in _FORWARDED),
    *(
        Case(f"by {line}", get("/?ip=10.0.0.1", f"X-Forwarded-For: {line}"))
        for line in ("9.9.9.9", "10.0.0.2")
    ),
    Case("by two", get("/", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 10.1.1.1")),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = tmp_path_factory.mktemp("geo")
    (found / "networks").write_text("127.0.0.0/8 home;\n10.0.0.0/8 ten;\n")
    for each in (found, found / "networks", *found.parents[:2]):
        each.chmod(0o755)
    return found


@pytest.fixture(scope="module")
def subjects(
    nginx: Program, surehop_nginx: Program, folder: Path
) -> Iterator[tuple[Subject, Subject]]:
    values = " ".join(f"{name}=${name}" for name in _NAMES)
    http = HTTP.replace("VALUES", values).replace("FOLDER", str(folder))
    logged = variables(["status", *_NAMES])
    with (
        Subject(nginx, http.replace("SOCKET", "theirs"), variables=logged) as theirs,
        Subject(surehop_nginx, http.replace("SOCKET", "ours"), variables=logged) as ours,
    ):
        yield theirs, ours


@pytest.fixture(scope="module")
def benches(
    nginx: Program, surehop_nginx: Program, subjects: tuple[Subject, Subject]
) -> Iterator[tuple[Bench, Bench]]:
    theirs, ours = subjects
    with Scripted() as origin:
        yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_geo_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"


@pytest.mark.usefixtures("subjects")
def test_who_comes_by_a_unix_socket(folder: Path) -> None:
    bodies = []
    for name in ("theirs", "ours"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / name))
            client.sendall(get("/?ip=10.0.0.7"))
            answer = b""
            while more := client.recv(65536):
                answer += more
        bodies.append(answer.partition(b"\r\n\r\n")[2])
    assert b"unix=last" in bodies[0]
    assert bodies[1] == bodies[0]
