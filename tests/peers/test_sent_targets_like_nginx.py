"""The target that goes upstream when variables say it, or its arguments, against nginx; and what is
decoded in one never makes it two.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from raw import Raw, get
from scripted import Scripted
from surehop.lab.subjects import Program, Subject

LOCATIONS = {
    "args": 'set $args "a=1"; proxy_pass http://back;',
    "no-args": 'set $args ""; proxy_pass http://back;',
    "more-args": 'set $args "z=$args"; proxy_pass http://back/base;',
    "if-args": 'if ($arg_k) { set $args "k=2"; } proxy_pass http://back;',
    "asked": "auth_request /ask; auth_request_set $args s=$upstream_status; proxy_pass http://back;",
    "break": "rewrite ^/break(.*)$ /y$1 break; proxy_pass http://back;",
    "break-base": "rewrite ^/break-base(.*)$ /y$1 break; proxy_pass http://back/base;",
    "uri": "proxy_pass http://back$uri;",
    "in-args": "proxy_pass http://back/x?$uri;",
    "uri-args": "set $args $uri; proxy_pass http://back;",
}
HTTP = """
upstream back {{ server 127.0.0.1:{}; }}
proxy_http_version 1.1; proxy_set_header Connection "";
server {{ listen 127.0.0.1:@PORT@; location /ask {{ return 204; }} {} }}
"""
SPLITS = "/a%20b%0d%0aX:%20y%20HTTP/1.1%0d%0a%0d%0aGET%20/smuggled%7f"
# These hold what was decoded, and nginx writes it as it is.
DECODED = ("uri", "in-args", "uri-args")
PLAIN = ("", "/p", "/p?k=1", '/a"b<c>|^`{}?k=1', "/a%2fb%41", "/a%20b?k=%20")


class Sides:
    """The same configuration before one origin each."""

    def __init__(self, stack: ExitStack, **programs: Program) -> None:
        self._sides = {}
        text = " ".join(f"location /{name} {{ {said} }}" for name, said in LOCATIONS.items())
        for name, program in programs.items():
            origin = stack.enter_context(Scripted())
            subject = stack.enter_context(Subject(program, HTTP.format(origin.port, text)))
            self._sides[name] = (origin, subject)

    def sent(self, side: str, target: str) -> list[str]:
        """The request lines that reach the origin."""
        origin, subject = self._sides[side]
        with Raw(subject.port) as client:
            assert client.answer(get(target))[0] == 200
        return [received.line for received in origin.take()]


@pytest.fixture(scope="module")
def sides(surehop: Program, surehop_nginx: Program, nginx: Program) -> Iterator[Sides]:
    with ExitStack() as stack:
        yield Sides(stack, on=surehop, off=surehop_nginx, nginx=nginx)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("rest", PLAIN)
def test_the_target_is_that_of_nginx(sides: Sides, location: str, rest: str) -> None:
    theirs = sides.sent("nginx", f"/{location}{rest}")
    assert sides.sent("off", f"/{location}{rest}") == theirs
    if location in DECODED and "%20" in rest:
        assert theirs[0].count(" ") > 2, "three words are a request line, four are none"
        theirs = [_coded(line) for line in theirs]
    assert sides.sent("on", f"/{location}{rest}") == theirs


def _coded(line: str) -> str:
    method, *target, version = line.split(" ")
    return f"{method} {'%20'.join(target)} {version}"


@pytest.mark.parametrize("side", ["on", "off"])
@pytest.mark.parametrize("location", LOCATIONS)
def test_what_is_decoded_makes_no_other_request(sides: Sides, location: str, side: str) -> None:
    (line,) = sides.sent(side, f"/{location}{SPLITS}")
    assert not any(ord(c) < 0x20 or ord(c) == 0x7F for c in line)
    if side == "on" or location not in DECODED:
        assert line.count(" ") == 2
    if location not in DECODED:
        assert sides.sent("nginx", f"/{location}{SPLITS}") == [line]
