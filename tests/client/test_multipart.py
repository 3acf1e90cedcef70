"""Multipart bodies, beside httpx's."""

import email.parser
import email.policy
import io
from email.message import MIMEPart
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from surehop.client.request import Request
from surehop.errors import LocalProtocolError, StreamConsumed

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=+++"}


def seen(request: Any) -> Any:
    return request.headers.raw, request.read()


def parsed(request: Request) -> list[MIMEPart]:
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.read())
    assert not whole.defects
    return list(whole.iter_parts())


class Named(io.BytesIO):
    name = "/somewhere/named.html"


@pytest.mark.parametrize(
    "files",
    [
        {"f": b"bytes"},
        {"f": "text ü"},
        {"f": io.BytesIO(b"file")},
        {"f": Named(b"file")},
        {"f": ("name.txt", b"x")},
        {"f": ("name.txt", io.BytesIO(b"x"))},
        {"f": (None, b"x")},
        {"f": ("", b"x")},
        {"f": ("n", b"x", "text/csv")},
        {"f": ("n", b"x", None)},
        {"f": (None, b"x", "text/csv")},
        {"f": ("n", b"x", "text/csv", {"Content-Type": "a/b", "X-A": "b"})},
        {"f": ("ü\"'.txt", b"x")},
        [("f", b"1"), ("f", b"2"), ("g", ("n.png", b""))],
    ],
)
@pytest.mark.parametrize("data", [{}, {"a": "b", "c": [1, None, True, b"\xff", 2.5], "ü\n": ""}])
def test_it_is_as_httpx_writes_it(files: Any, data: dict[str, Any]) -> None:
    mine = Request("POST", "http://h/", files=files, data=data, headers=BOUNDARY)
    theirs = httpx.Request("POST", "http://h/", files=files, data=data, headers=BOUNDARY)

    assert seen(mine) == seen(theirs)
    assert len(mine.content) == int(mine.headers["content-length"])


NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF) | st.sampled_from("\r\n"))


@given(NAMES.filter(lambda name: "\x7f" not in name), NAMES.filter(bool), st.binary(max_size=99))
def test_any_names_give_parts_of_their_own(name: str, filename: str, content: bytes) -> None:
    files = {name: (filename, content, "a/b")}
    request = Request("POST", "http://h/", files=files, data={"plain": content})
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()

    pieces = request.read().split(b"--" + boundary)
    assert len(pieces) == 4
    heads = [piece.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:] for piece in pieces[1:3]]
    assert [len(head) for head in heads] == [1, 2]
    assert [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:3]] == [content + b"\r\n"] * 2


def test_another_parser_reads_it() -> None:
    given = {"X-A": "b"}
    files = {"f": ("n.bin", b"\x00\x01\r\n", "application/x-own", given)}
    one, two = parsed(Request("POST", "http://h/", data={"a": "b"}, files=files))

    assert one.get_param("name", header="content-disposition") == "a"
    assert one.get_payload(decode=True) == b"b"
    assert two.get_filename() == "n.bin"
    assert two.get_content_type() == "application/x-own"
    assert two.get_payload(decode=True) == b"\x00\x01\r\n"
    assert two["x-a"] == "b"
    assert given == {"X-A": "b"}


def test_a_boundary_of_its_own_is_new_each_time() -> None:
    one, two = (Request("POST", "http://h/", files={"f": b"x"}) for _ in range(2))

    assert one.headers["content-type"] != two.headers["content-type"]
    assert one.read() != two.read()


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/form-data; boundary="a b"', b"--a b--"),
        ("multipart/form-data; charset=x; BOUNDARY=q", b"--q--"),
    ],
)
def test_the_boundary_may_be_said(content_type: str, boundary: bytes) -> None:
    headers = {"Content-Type": content_type}
    request = Request("POST", "http://h/", files={"f": b"x"}, headers=headers)

    assert boundary in request.read()
    assert request.headers["content-type"] == content_type


def test_a_boundary_that_was_not_said_is_said_for_the_user() -> None:
    """httpx sends such a head, which no server can read."""
    headers = {"Content-Type": "multipart/form-data"}
    request = Request("POST", "http://h/", files={"f": b"x"}, headers=headers)

    assert [part.get_payload(decode=True) for part in parsed(request)] == [b"x"]


def test_files_are_sent_whole_and_again(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(b"0123456789" * 9_000)
    with path.open("rb") as file:
        file.seek(7)
        request = Request("POST", "http://h/", files={"f": file}, data={"a": "b"})
        assert request.stream.replayable
        assert request.stream.length == int(request.headers["content-length"])
        first = b"".join(request.stream)  # type: ignore[arg-type]
        again = b"".join(request.stream)  # type: ignore[arg-type]

    assert first == again
    assert len(first) == request.stream.length
    assert path.read_bytes() in first


class Pipe(io.BytesIO):
    """A file that can't seek."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation


def test_a_part_of_unknown_length_makes_it_chunked_and_not_replayable() -> None:
    request = Request("POST", "http://h/", files={"f": Pipe(b"x")})

    assert request.headers["transfer-encoding"] == "chunked"
    assert not request.stream.replayable
    assert b"\r\n\r\nx\r\n" in b"".join(request.stream)  # type: ignore[arg-type]
    with pytest.raises(StreamConsumed):
        b"".join(request.stream)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"files": {"f": io.StringIO("x")}}, "binary mode"),
        ({"files": {"f": 1}}, "file `f`"),
        ({"files": {"f": ("n", [b"x"])}}, "file `f`"),
        ({"files": {"f": b""}, "data": {"a": {"b": 1}}}, "field `a`"),
        ({"files": {"f": b""}, "data": {1: "b"}}, "must be str"),
    ],
)
def test_what_can_be_no_part_is_a_type_error(options: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        Request("POST", "http://h/", **options)


@pytest.mark.parametrize(
    "value",
    [("n", b"x", "a/b\r\nX: y"), ("n", b"x", None, {"X": "a\nb"}), ("n", b"", "", {"": ""})],
)
def test_a_part_cannot_break_its_head(value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        Request("POST", "http://h/", files={"f": value})
