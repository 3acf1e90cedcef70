"""What a probe says of TLS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from probed import probed
from recorder import Recorder

from certificates import Files
from surehop.doctor.render.sheets import sheet_text

DAY = 86_400


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(files: Files) -> Iterator[Recorder]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Recorder(tls=context) as server:
        yield server


def test_a_trusted_server(server: Recorder, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.root))
    sheet = probed(f"https://127.0.0.1:{server.port}/")

    assert sheet.tls
    assert (sheet.tls.version, sheet.tls.protocol) == ("TLSv1.3", "h2")
    assert sheet.tls.trusted
    assert sheet.tls.not_before is not None
    assert sheet.tls.not_after is not None
    assert abs(sheet.tls.not_after - sheet.tls.not_before - 2 * DAY) <= 1
    assert abs(sheet.tls.not_before - time.time()) < DAY
    assert sheet.kept
    assert sheet.kept.answers == 10
    assert sheet.idle
    assert sheet.idle.how
    assert sheet.connections <= sheet.announced.connections


def test_a_stranger(server: Recorder) -> None:
    sheet = probed(f"https://localhost:{server.port}/", "localhost=127.0.0.1", max_wait=0)

    assert sheet.tls
    assert not sheet.tls.trusted
    assert sheet.tls.why == "unable to get local issuer certificate"
    assert sheet.answered  # all the same


def test_a_certificate_that_is_over(server: Recorder) -> None:
    sheet = probed(f"https://127.0.0.1:{server.port}/", max_wait=0)
    assert sheet.tls
    assert sheet.tls.not_after

    assert "expired" not in sheet_text(sheet)
    assert ": expired\n" in sheet_text(sheet._replace(at=sheet.tls.not_after + 1))


def test_plain_requests_to_a_tls_port(server: Recorder) -> None:
    sheet = probed(f"http://127.0.0.1:{server.port}/", max_wait=0)

    assert sheet.trouble in {
        "it speaks TLS",
        "it takes the connection, and ends it unanswered (FIN)",
        "it takes the connection, and ends it unanswered (RST)",
    }
    assert sheet.hint.startswith("write `https://`")


def test_tls_to_who_closes() -> None:
    def closes(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=closes, args=(listener,), daemon=True).start()
        sheet = probed(f"https://127.0.0.1:{listener.getsockname()[1]}/", max_wait=0)
        listener.shutdown(socket.SHUT_RDWR)

    assert sheet.trouble.startswith("TLS fails: ")
    assert "ssl.c" not in sheet.trouble


def test_tls_to_a_plain_port() -> None:
    with Recorder(b"HTTP/1.1 400 Bad Request\r\n\r\n", greeting=b"HTTP/1.1 400\r\n\r\n") as server:
        sheet = probed(f"https://127.0.0.1:{server.port}/", max_wait=0)

    assert sheet.trouble == "it speaks no TLS here"
    assert sheet.hint == "write `http://`"
