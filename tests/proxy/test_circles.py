"""Values that are made of each other end, as in nginx, instead of the process."""

from front import running, server, told

from raw import exchanged, get
from surehop.lab.subjects import Program

HTTP = server(
    """
    location /map { return 200 "[$a]"; }
    location /volatile { return 200 "[$round]"; }
    location /root { root $request_filename; return 200 "[$request_filename]"; }
    location /sound { return 200 sound; }
    """,
    http="""
    map $arg_x $a { default $b; }
    map $arg_x $b { default "x$a"; }
    map $arg_x $round { volatile; default "y$round"; }
    """,
)


def test_circles_end(surehop_nginx: Program) -> None:
    with running(surehop_nginx, HTTP) as subject:
        bodies = [
            exchanged(subject.port, get(target, close=True)).split(b"\r\n\r\n", 1)[1]
            for target in ("/map", "/volatile", "/root", "/sound")
        ]
        lines = told(subject, 3, level="error")

    assert set(bodies[0]) == set(b"[x]")
    assert set(bodies[1]) == set(b"[y]")
    assert bodies[2].endswith(b"/root/root]")
    assert bodies[3] == b"sound"
    assert [line.split('"')[1] for line in lines] == ["a", "round", "request_filename"]
    assert all("cycle while evaluating variable" in line for line in lines)
