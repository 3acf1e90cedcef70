"""requests' own sessions over this adapter."""

import gc
import gzip
import io
import pickle
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from site_pages import Pages, to

import surehop
from surehop.lab.origins import Fault, Origin
from surehop.requests import Adapter


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with mounted() as session:
        yield session


def mounted(**options: Any) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(**options))
    return session


@pytest.mark.parametrize("close", ["fin", "rst"])
@pytest.mark.parametrize(
    ("method", "headers", "delivered"),
    [("GET", {}, 2), ("POST", {}, 1), ("POST", {"Idempotency-Key": "k"}, 2)],
)
def test_a_reused_connection_dies(
    session: requests.Session, close: str, method: str, headers: dict[str, str], delivered: int
) -> None:
    with Origin(faults=[Fault(close, nth=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        session.get(f"{url}/first")
        if delivered == 2:
            assert session.request(method, f"{url}/x", headers=headers).text == "ok\n"
        else:
            with pytest.raises(requests.ConnectionError, match="may have been done") as failed:
                session.request(method, f"{url}/x", headers=headers)
            cause = failed.value.__cause__
            assert isinstance(cause, surehop.ConnectionClosed)
            assert cause.evidence is not None
            assert cause.evidence.reused is True
            assert str(failed.value) == str(cause)
            assert failed.value.request is not None
            assert failed.value.request.url == f"{url}/x"
        assert origin.stats().paths["/x"] == delivered


def test_retries() -> None:
    with Origin(faults=[Fault("rst", times=2)]) as origin, mounted(retries=2) as session:
        assert session.get(f"http://127.0.0.1:{origin.port}").status_code == 200
        assert origin.stats().requests == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("hang", requests.ReadTimeout),
        ("garbage", requests.ConnectionError),
        ("fin", requests.ConnectionError),
        ("half_body", requests.exceptions.ChunkedEncodingError),
    ],
)
def test_errors_are_requests_own(
    session: requests.Session, fault: str, wanted: type[Exception], stream: bool
) -> None:
    with Origin(faults=[Fault(fault)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        with pytest.raises(wanted) as failed:
            _ = session.get(url, timeout=(1, 0.3), stream=stream).content
    assert isinstance(failed.value.__cause__, surehop.HTTPError)
    assert url in str(failed.value)


@pytest.mark.parametrize(
    ("url", "wanted", "cause"),
    [
        ("http://127.0.0.1:1/", requests.ConnectionError, surehop.ConnectError),
        ("http://nobody.invalid/", requests.ConnectionError, surehop.ResolveError),
    ],
)
def test_no_connection(
    session: requests.Session, url: str, wanted: type[Exception], cause: type[Exception]
) -> None:
    with pytest.raises(wanted) as failed:
        session.get(url)
    assert isinstance(failed.value.__cause__, cause)


def test_no_tls_there(session: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        asked = pool.submit(session.get, url, timeout=5)
        with server.accept()[0] as connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(requests.exceptions.SSLError) as failed:
            asked.result()
    assert isinstance(failed.value.__cause__, surehop.TLSError)


def test_an_answer_that_is_none() -> None:
    retry = surehop.Retry(0, validate=lambda response: response.status_code == 200)
    with (
        Origin(status=503) as origin,
        mounted(retry=retry) as session,
        pytest.raises(requests.HTTPError) as failed,
    ):
        session.get(f"http://127.0.0.1:{origin.port}")
    assert failed.value.response is not None
    assert failed.value.response.status_code == 503


def test_what_requests_does(session: requests.Session) -> None:
    """Redirects, cookies, auth, params, JSON, forms, files, gzip."""
    packed = gzip.compress(b"plain")
    with Pages(
        away=to("/page"),
        give=lambda _: (200, {"Set-Cookie": "a=1\nb=2", "X-A": "1\n2"}, b""),
        packed=lambda _: (200, {"Content-Encoding": "gzip"}, packed),
        missing=lambda _: (404, {}, b"no"),
    ) as pages:
        session.auth = ("me", "secret")
        away = session.get(f"{pages.url}/away", params={"q": "ä"})
        assert [one.status_code for one in away.history] == [302]
        assert away.json()["headers"]["authorization"].startswith("Basic ")
        assert pages.seen[0].target == "/away?q=%C3%A4"
        given = session.get(f"{pages.url}/give")
        assert given.headers["x-a"] == "1, 2"
        assert dict(given.cookies) == {"a": "1", "b": "2"}
        assert session.get(f"{pages.url}/page").json()["headers"]["cookie"] == "a=1; b=2"
        assert session.get(f"{pages.url}/packed").text == "plain"
        posts: list[tuple[dict[str, Any], str]] = [
            ({"json": {"a": 1}}, '{"a": 1}'),
            ({"data": {"a": "1 2"}}, "a=1+2"),
            ({"data": b"bytes"}, "bytes"),
            ({"data": "text"}, "text"),
            ({"data": io.BytesIO(b"a file")}, "a file"),
            ({"data": iter([b"a ", b"generator"])}, "a generator"),
        ]
        for body, seen in posts:
            answer = session.post(pages.url, **body)
            assert answer.json()["body"] == seen
            assert answer.reason == "OK"
            assert answer.elapsed.total_seconds() > 0
        files = session.post(pages.url, files={"f": ("n.txt", b"within")}, data={"a": "1"})
        assert "within" in files.json()["body"]
        with pytest.raises(requests.HTTPError, match="404"):
            session.get(f"{pages.url}/missing").raise_for_status()


def test_stream(session: requests.Session) -> None:
    with Origin(body=200_000) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        with session.get(url, stream=True) as answer:
            sizes = [len(chunk) for chunk in answer.iter_content(65_536)]
            assert sum(sizes) == 200_000
            assert max(sizes) == 65_536
        assert len(session.get(url, stream=True).raw.read()) == 200_000
        assert origin.stats().connections == 1


@pytest.mark.parametrize("stream", [False, True])
def test_every_way_to_read(session: requests.Session, stream: bool) -> None:
    """What `raw` is read by is known from urllib3."""
    plain = b"line\n" * 1000
    packed = gzip.compress(plain)
    with Pages(x=lambda _: (200, {"Content-Encoding": "gzip"}, packed)) as pages:
        url = f"{pages.url}/x"
        if stream:
            assert session.get(url, stream=True).raw.read() == packed
            unpacked = session.get(url, stream=True)
            unpacked.raw.decode_content = True
            shutil.copyfileobj(unpacked.raw, file := io.BytesIO())
            assert file.getvalue() == plain
        for size in (None, 1, 10_000):
            answer = session.get(url, stream=stream)
            assert b"".join(answer.iter_content(size)) == plain
        lines = list(session.get(url, stream=stream).iter_lines())
        assert lines == [b"line"] * 1000
        answer = session.get(url, stream=stream)
        assert answer.text == answer.text == plain.decode()


def test_what_is_only_read(session: requests.Session) -> None:
    """A body may have a `read` and a length alone, or stand in its middle."""

    class Body:
        def __init__(self) -> None:
            self._file = io.BytesIO(b"of parts")

        def read(self, size: int = -1) -> bytes:
            return self._file.read(size)

        def __len__(self) -> int:
            return 8

    middle = io.BytesIO(b"0123456789")
    middle.seek(4)
    with Pages() as pages:
        body: Any = Body()
        assert session.post(pages.url, data=body).json()["body"] == "of parts"
        assert session.post(pages.url, data=middle).json()["body"] == "456789"


def test_a_streamed_answer_that_is_dropped_holds_no_connection() -> None:
    limits = surehop.Limits(max_connections=1)
    with Origin(body=5_000_000) as origin, mounted(limits=limits) as session:
        url = f"http://127.0.0.1:{origin.port}"
        for _ in range(3):
            session.get(url, stream=True, timeout=10)
            gc.collect()
        session.get(url, stream=True).close()
        assert len(session.get(url, timeout=10).content) == 5_000_000


def test_proxies(session: requests.Session) -> None:
    with Pages() as pages:
        through = {"http": pages.url.replace("http://", "http://u:p@")}
        answer = session.get("http://elsewhere.invalid/x", proxies=through)
        assert pages.seen[0].target == "http://elsewhere.invalid/x"
        assert answer.json()["headers"]["proxy-authorization"].startswith("Basic ")
    with pytest.raises(requests.exceptions.InvalidSchema, match="not `socks5://`"):
        session.get("http://elsewhere.invalid/", proxies={"http": "socks5://127.0.0.1:1"})


def test_whom_to_trust_is_the_session_s_to_say(session: requests.Session, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="`verify` can't be read"):
        session.get("https://127.0.0.1:1/", verify=str(tmp_path / "none.pem"))
    with pytest.raises(TypeError, match=r"no option `verify`\nhint: say it to the session"):
        Adapter(verify=False)  # type: ignore[call-arg]


def test_timeouts_of_every_form(session: requests.Session) -> None:
    from urllib3 import Timeout  # noqa: PLC0415  what it is called elsewhere, too

    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}"
        for timeout in (None, 2, (1, 2), Timeout(connect=1, read=2)):
            assert session.get(url, timeout=timeout).status_code == 200  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="not `\\(1, 2, 3\\)`"):
            session.get(url, timeout=(1, 2, 3))  # type: ignore[arg-type]


def test_a_session_can_be_pickled() -> None:
    with Origin() as origin, mounted(retries=2) as session:
        url = f"http://127.0.0.1:{origin.port}"
        answer = session.get(url)
        with pickle.loads(pickle.dumps(session)) as again:  # noqa: S301
            assert again.get(url).status_code == 200
        assert pickle.loads(pickle.dumps(answer)).text == "ok\n"  # noqa: S301
        adapter = session.get_adapter(url)
        assert isinstance(adapter, Adapter)
        assert [stats["connections"] for stats in adapter.stats()] == [1]
