"""TLS, proxies, and what they refuse."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playing import KINDS, play
from site_pages import Asked, Pages

from certificates import Files
from surehop import CertificateError, Client, Proxy, ProxyError, TLSError

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def pages(files: Files) -> Iterator[Pages]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    with Pages(tls=context) as pages:
        yield pages


@pytest.fixture
def forwarder() -> Iterator["Forwarder"]:
    with Forwarder() as forwarder:
        yield forwarder


class Forwarder(Pages):
    """A proxy: CONNECT makes a tunnel, all else is answered here."""

    def answer(self, handler: Any) -> None:
        if handler.command != "CONNECT":
            super().answer(handler)
            return
        self.seen.append(Asked(handler, b""))
        host, _, port = handler.path.rpartition(":")
        if host == "forbidden":
            handler.send_response(407)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        with socket.create_connection((host, int(port))) as there:
            handler.send_response(200)
            handler.end_headers()
            back = threading.Thread(target=_pump, args=(there, handler.connection))
            back.start()
            _pump(handler.connection, there)
            back.join()
        handler.close_connection = True


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_trusted_server(kind: str, pages: Pages, files: Files) -> None:
    for host in ("127.0.0.1", "localhost"):
        url = f"{pages.url}/x".replace("127.0.0.1", host)
        told = play(kind, lambda p, url=url: p.get(url), verify=files.root).json()  # type: ignore[misc]
        assert told["headers"]["host"].startswith(host)


def test_no_verification(kind: str, pages: Pages) -> None:
    assert play(kind, lambda p: p.get(pages.url), verify=False).status_code == 200


def test_a_stranger_is_not_trusted(kind: str, pages: Pages) -> None:
    with pytest.raises(CertificateError) as failed:
        play(kind, lambda p: p.get(pages.url))
    assert failed.value.code in ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SELF_SIGNED_CERT_IN_CHAIN")
    assert failed.value.phase == "tls"
    assert "`verify=`" in str(failed.value)


def test_a_server_without_tls(kind: str) -> None:
    with Pages() as pages, pytest.raises(TLSError):
        play(kind, lambda p: p.get(pages.url.replace("http:", "https:")))


def test_plain_requests_go_to_the_proxy_whole(kind: str, forwarder: Forwarder) -> None:
    proxy = Proxy(forwarder.url.replace("//", "//me:pass@"), headers={"X-Team": "a"})
    told = play(kind, lambda p: p.get("http://nobody.invalid/x?y"), proxy=proxy).json()
    assert told["target"] == "http://nobody.invalid/x?y"
    assert told["headers"]["host"] == "nobody.invalid"
    assert told["headers"]["proxy-authorization"] == "Basic bWU6cGFzcw=="
    assert told["headers"]["x-team"] == "a"


def test_a_tunnel(kind: str, forwarder: Forwarder, pages: Pages, files: Files) -> None:
    proxy = Proxy(forwarder.url, auth=("me", "pass"))
    told = play(kind, lambda p: p.get(f"{pages.url}/x"), proxy=proxy, verify=files.root).json()
    assert "proxy-authorization" not in told["headers"]
    (asked,) = forwarder.seen
    assert (asked.method, asked.target) == ("CONNECT", pages.url.removeprefix("https://"))
    assert asked.headers["Proxy-Authorization"] == "Basic bWU6cGFzcw=="


def test_a_proxy_that_refuses(kind: str, forwarder: Forwarder) -> None:
    with pytest.raises(ProxyError, match="407"):
        play(kind, lambda p: p.get("https://forbidden/"), proxy=forwarder.url)


def test_the_environment_s_proxy(
    kind: str, forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", forwarder.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Pages() as direct:
        assert (
            play(kind, lambda p: p.get("http://a.invalid/")).json()["target"] == "http://a.invalid/"
        )
        assert play(kind, lambda p: p.get(direct.url)).json()["target"] == "/"


def test_what_can_not_be_trusted(kind: str, tmp_path: Path, files: Files) -> None:
    with pytest.raises(TypeError, match="hint: give the path of a PEM file"):
        Client(verify=ssl.create_default_context())  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="`verify` can't be read"):
        Client(verify=tmp_path / "missing")
    with pytest.raises(ValueError, match="an encrypted key can't be read"):
        Client(cert=(files.chain, files.key, "secret"))  # type: ignore[arg-type]
