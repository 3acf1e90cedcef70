"""Programs written for httpx say the same when `httpx` is this package."""

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from email import message_from_bytes
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from site_pages import Asked, Page, Pages, to

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
Answer = tuple[int, dict[str, str], bytes]
LARGE = bytes(range(256)) * 400


def html(*links: str) -> Answer:
    body = "".join(f'<a href="{link}">more</a>' for link in links)
    return 200, {"Content-Type": "text/html; charset=utf-8"}, body.encode()


def data(value: object, status: int = 200, link: str = "") -> Answer:
    headers = {"Content-Type": "application/json", **({"Link": link} if link else {})}
    return status, headers, json.dumps(value).encode()


def site(asked: Asked) -> Answer:
    pages = {
        "/site/0": html("/site/1", "2", "#here", "/away", "http://127.0.0.1:1/gone"),
        "/site/1": html("/site/0", "../site/3?q=ä"),
        "/site/2": html("2", "missing"),
        "/site/3": html(),
    }
    return pages.get(asked.path, data("missing", 404))


def api(asked: Asked) -> Answer:
    if asked.headers.get("Authorization") != f"Basic {base64.b64encode(b'me:word').decode()}":
        return data({"error": "who?"}, 401)
    if asked.path.endswith("missing"):
        return data({"error": "missing"}, 404)
    if asked.method == "DELETE":
        return 204, {}, b""
    return data({"query": asked.query, "got": json.loads(asked.body or b"null")})


def form(asked: Asked) -> Answer:
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    told = []
    for part in message_from_bytes(head + asked.body).walk():
        if not part.is_multipart():
            headers = {name: str(value) for name, value in part.items()}
            told.append([headers, str(part.get_payload())])
    return data(told)


def listed(asked: Asked) -> Answer:
    told = parse_qs(asked.query)
    page = int(told.get("page", ["1"])[0])
    link = f'</list?page={page + 1}&per_page=2>; rel="next"' if page < 3 else ""
    return data({"page": page, "sort": told.get("sort")}, link=link)


def private(asked: Asked) -> Answer:
    cookie = asked.headers.get("Cookie", "")
    return (200, {}, cookie.encode()) if "session=s1" in cookie else (403, {}, b"log in")


def login(asked: Asked) -> Answer:
    assert asked.body == b"user=me&password=word"
    cookies = "session=s1; Path=/; HttpOnly\nseen=yes; Path=/"
    return 303, {"Location": "/private", "Set-Cookie": cookies}, b""


def logout(_: Asked) -> Answer:
    return 302, {"Location": "/echo", "Set-Cookie": "session=; Max-Age=0; Path=/"}, b""


def challenge(asked: Asked) -> Answer:
    if asked.headers.get("X-Answer") == "cba":
        return 200, {}, b"right"
    return 401, {"X-Challenge": "abc"}, b"what is it?"


def digest(asked: Asked) -> Answer:
    if asked.headers.get("Authorization", "").startswith('Digest username="me", realm="r"'):
        return 200, {}, b"in"
    return 401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, b"who?"


def slowly(_: Asked) -> Answer:
    time.sleep(0.5)
    return 200, {}, b"at last"


def flaky() -> Page:
    left = [503, 500]
    return lambda _: (left.pop(0), {}, b"later") if left else (200, {}, b"now")


def guarded() -> tuple[Page, Page]:
    """A page that takes each token twice, and who gives tokens."""
    uses: dict[str, int] = {}

    def token(asked: Asked) -> Answer:
        assert asked.body == b"grant_type=refresh_token"
        name = f"t{len(uses)}"
        uses[name] = 2
        return data({"access_token": name})

    def page(asked: Asked) -> Answer:
        name = asked.headers["Authorization"].removeprefix("Bearer ")
        if not uses.get(name):
            return data({"error": "expired"}, 401)
        uses[name] -= 1
        return 200, {}, name.encode()

    return page, token


def pages() -> Pages:
    page, token = guarded()
    packed = gzip.compress("erste Zeile\nzweite: ä\n".encode())
    return Pages(
        site=site,
        api=api,
        form=form,
        list=listed,
        private=private,
        login=login,
        logout=logout,
        challenge=challenge,
        digest=digest,
        slow=slowly,
        flaky=flaky(),
        guarded=page,
        token=token,
        away=to("/echo"),
        round=to("/round"),
        large=lambda _: (200, {}, LARGE),
        packed=lambda _: (200, {"Content-Encoding": "gzip"}, packed),
    )


def told(program: str) -> str:
    """What a program prints, asking a fresh server."""
    with pages() as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, server.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONUTF8": "1", "NO_PROXY": "*"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.replace(server.url, "BASE")


def test_there_are_ten() -> None:
    assert len(PROGRAMS) >= 10


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_says_the_same(path: Path) -> None:
    program = path.read_text("utf-8")
    ours = program.replace("\nimport httpx\n", "\nimport surehop as httpx\n")
    assert ours != program

    wanted = told(program)
    assert wanted.count("\n") > 3
    assert told(ours) == wanted
