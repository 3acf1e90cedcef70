"""What the doctor finds where it may ask the servers."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from reading import BOTH, ids, options
from recorder import Recorder

from surehop.doctor import Asked, Confidence, Probing, Report, Severity, examine
from surehop.doctor.evidence import Evidence
from surehop.doctor.examining import judge
from surehop.doctor.patching import diff_of
from surehop.doctor.probing.hop import Hop
from surehop.doctor.probing.limits import Announced
from surehop.doctor.probing.sheet import Connected, Ports, Queue, Sheet
from surehop.events import Cause
from surehop.lab.origins import Origin
from surehop.lab.ports import Port, has_ipv6

ONE = """\
events {{}}
http {{
    upstream app {{
        server localhost:{port};{more}
    }}
    server {{ location / {{ proxy_pass http://app; }} }}
}}
"""
NEW = "1.31.5"
KEEP = "\n        keepalive 16;"


def probed(folder: Path, text: str, version: str | None = None, max_wait: float = 5) -> Report:
    file = folder / "nginx.conf"
    file.write_text(text)
    probing = Probing(Asked(max_wait=max_wait), servers=True)
    return examine([str(file)], options(BOTH, version)._replace(probing=probing))


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which nobody else listens, by either family."""
    if not has_ipv6():
        pytest.skip("missing: ::1")
    with Port() as held:
        yield held.number


def test_the_first_incident_is_proved(tmp_path: Path, port: int) -> None:
    with Origin(port=port, keepalive_timeout=0):
        told = probed(tmp_path, ONE.format(port=port, more=""), max_wait=0)

    (found,) = told.findings
    assert (found.id, found.severity, found.confidence) == (
        "SH001",
        Severity.ERROR,
        Confidence.HIGH,
    )
    assert [quote.text.partition(" after ")[0].partition(" in ")[0] for quote in found.quotes] == [
        f"127.0.0.1:{port} connected",
        f"[::1]:{port} refused",
    ]
    diff = diff_of(found, told.documents)
    assert f"\n-        server localhost:{port};\n+        server 127.0.0.1:{port};\n" in diff


def test_the_diff_names_the_family_that_answers(tmp_path: Path, port: int) -> None:
    with Origin(port=port, listen="ipv6", keepalive_timeout=0):
        told = probed(tmp_path, ONE.format(port=port, more=""), max_wait=0)

    assert f"+        server [::1]:{port};" in diff_of(told.findings[0], told.documents)


def test_a_backend_on_both_families_is_left_alone(tmp_path: Path, port: int) -> None:
    with Origin(port=port, listen="both", keepalive_timeout=0):
        told = probed(tmp_path, ONE.format(port=port, more=KEEP), NEW, max_wait=0)

    assert ids(told) == []


@pytest.mark.parametrize(
    ("more", "version", "sure"),
    [
        (KEEP, None, Confidence.HIGH),
        ("", NEW, Confidence.HIGH),
        ("", None, Confidence.MEDIUM),  # nobody says that connections are kept
    ],
)
def test_the_third_incident_is_named_with_both_causes_and_their_product(
    tmp_path: Path, port: int, more: str, version: str | None, sure: Confidence
) -> None:
    with Origin(port=port, keepalive_timeout=0.3):
        told = probed(tmp_path, ONE.format(port=port, more=more), version)

    found = {each.id: each for each in told.findings}
    assert told.findings[0].id == "SH001"
    assert (found["SH001"].severity, found["SH001"].confidence) == (
        Severity.ERROR,
        Confidence.HIGH,
    )
    assert (found["SH004"].severity, found["SH004"].confidence) == (Severity.WARNING, sure)
    assert (found["SH006"].severity, found["SH006"].confidence) == (Severity.ERROR, sure)
    assert "(SH001)" in found["SH006"].text
    assert "(SH004)" in found["SH006"].text


def test_the_third_incident_is_none_of_an_old_nginx(tmp_path: Path, port: int) -> None:
    with Origin(port=port, keepalive_timeout=0.3):
        told = probed(tmp_path, ONE.format(port=port, more=""), "1.24.0")

    assert ids(told) == ["SH001"]


@pytest.mark.parametrize("idle", ["keepalive_timeout 300ms;", "keepalive_timeout 60s;"])
def test_only_a_close_that_requests_can_meet_is_told(tmp_path: Path, port: int, idle: str) -> None:
    with Origin(port=port, keepalive_timeout=1.5):
        text = ONE.replace("localhost", "127.0.0.1").format(port=port, more=f"{KEEP} {idle}")
        told = probed(tmp_path, text, NEW)

    assert ids(told) == (["SH004"] if "60s" in idle else [])


def test_a_server_that_keeps_connections_for_long_is_left_alone(tmp_path: Path, port: int) -> None:
    with Origin(port=port, keepalive_timeout=0):
        text = ONE.replace("localhost", "127.0.0.1").format(
            port=port, more=f"{KEEP} keepalive_timeout 100ms;"
        )

        assert ids(probed(tmp_path, text, NEW)) == []


def test_nobody_listens(tmp_path: Path, port: int) -> None:
    text = ONE.replace("localhost", "127.0.0.1").format(port=port, more="")

    (found,) = probed(tmp_path, text).findings
    assert found.id == "SH044"
    assert found.place
    assert found.place.line == 4


def test_a_url_of_which_one_address_refuses(port: int) -> None:
    with Origin(port=port):
        probing = Probing(Asked(max_wait=0))
        told = examine([f"http://localhost:{port}/"], options(BOTH)._replace(probing=probing))

    (found,) = told.findings
    assert found.id == "SH001"
    assert found.title == f"`[::1]:{port}` refuses, and `localhost` is also `127.0.0.1:{port}`"


def test_two_lengths() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with Recorder(answer) as server:
        told = examine([server.url], options()._replace(probing=Probing(Asked(max_wait=0))))

    assert ids(told) == ["SH009"]


def test_a_full_accept_queue(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        port = listener.getsockname()[1]
        waits = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        text = f"stream {{ upstream app {{ server 127.0.0.1:{port}; }} }}"
        told = probed(tmp_path, text, max_wait=0)
        for each in waits:
            each.close()

    if told.probes[0].addresses[0].queue is None:
        pytest.skip("this system lists no sockets")
    (found,) = told.findings
    assert (found.id, found.confidence) == ("SH014", Confidence.HIGH)
    assert "2 of 1 connections wait" in found.title


def test_an_address_that_is_answered_by_nobody_or_has_no_way() -> None:
    ip = ipaddress.ip_address("2001:db8::7")
    plain = Connected("[2001:db8::7]:443", ip, 1.0)
    for connected, expected in [
        (plain, []),
        (plain._replace(cause=Cause.UNREACHABLE), ["SH019"]),
        (plain._replace(cause=Cause.TIMED_OUT), ["SH014"]),
        (plain._replace(cause=Cause.REFUSED), ["SH044"]),
        (plain._replace(queue=Queue(3, 3, 4096, 0)), []),
        (plain._replace(queue=Queue(4, 3, 4096, 7)), ["SH014"]),
        (plain._replace(ports=Ports(10, 100)), []),
        (plain._replace(ports=Ports(60, 100)), ["SH012"]),
    ]:
        bounds = Announced("GET", 1, 1, 0, 1)
        sheet = Sheet(Hop("app.test", 443), bounds, at=0, addresses=(connected,))
        assert [each.id for each in judge(Evidence(probes=(sheet,)))] == expected, connected


def test_what_is_no_http_is_connected_to_and_sent_nothing(tmp_path: Path) -> None:
    with Recorder() as server:
        text = f"location / {{ fastcgi_pass 127.0.0.1:{server.port}; }}"
        told = probed(tmp_path, f"http {{ server {{ {text} }} }}")

        assert [each.requests for each in told.probes] == [0]
    assert [bytes(each) for each in server.heard] in ([], [b""])


def test_a_server_is_probed_once(tmp_path: Path) -> None:
    with Recorder() as server:
        one = f"server 127.0.0.1:{server.port};"
        text = f"upstream a {{ {one} }} upstream b {{ {one} server down.test down; }}"
        passes = "location /a { proxy_pass http://a; } location /b { proxy_pass http://b; }"
        told = probed(tmp_path, f"http {{ {text} server {{ {passes} }} }}", max_wait=0)

    (sheet,) = told.probes
    assert (sheet.requests, sheet.connections) == (2, 2)


def test_a_url_stands_for_the_server_that_a_configuration_names(tmp_path: Path, port: int) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(ONE.format(port=port, more=""))
    with Origin(port=port):
        probing = Probing(Asked(max_wait=0), servers=True)
        targets = [f"http://localhost:{port}/", str(file)]
        told = examine(targets, options(BOTH)._replace(probing=probing))

    assert len(told.probes) == 1
    (found,) = told.findings
    assert (found.id, found.confidence) == ("SH001", Confidence.HIGH)
    assert found.place


def test_a_name_that_nobody_knows_is_told(tmp_path: Path) -> None:
    told = probed(tmp_path, "http { upstream a { server app.test:80; } }")

    assert told.probes == ()
    assert "`app.test:80` is not probed: nobody knows its addresses" in told.notes


def test_a_limit_on_connections_is_told() -> None:
    with Origin(max_connections=2, delay=0.2) as origin:
        probing = Probing(Asked(max_wait=0, crowd=6))
        told = examine([origin.url], options()._replace(probing=probing))

    (found,) = told.findings
    assert found.id == "SH026"
    assert found.title.endswith(" of 6 connections at once")


def test_a_unix_socket_of_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "s"
    group = f"upstream a {{ server unix:{path}; keepalive 4; }}"
    text = f"http {{ {group} server {{ location / {{ proxy_pass http://a; }} }} }}"
    with Origin(unix=str(path), keepalive_timeout=0.5):
        told = probed(tmp_path, text, NEW)

    assert ids(told) == ["SH004"]
    (sheet,) = told.probes
    assert sheet.connections <= sheet.announced.connections
