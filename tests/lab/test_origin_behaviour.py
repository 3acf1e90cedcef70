"""An origin's options: from the command line, from JSON, checked alike."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from raw import Raw
from surehop.lab.origins import Behaviour, Fault, OriginProcess
from surehop.lab.origins.command import main


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("fin", Fault("fin")),
        ("rst,nth=2,times=1", Fault("rst", nth=2, times=1)),
        ("hang,path=/x,method=POST,reused", Fault("hang", path="/x", method="POST", reused=True)),
    ],
)
def test_faults_are_read(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text", ["", "boom", "fin,nth=x", "fin,nth=-1", "fin,when=now", "fin,kind=rst"]
)
def test_wrong_faults_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Fault.parse(text)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lisen": "ipv4"}, "lisen"),
        ({"listen": "ipv5"}, "ipv5"),
        ({"idle_close": "bang"}, "idle_close"),
        ({"keepalive_timeout": -1}, "keepalive_timeout"),
        ({"keepalive_timeout": "5"}, "keepalive_timeout"),
        ({"hint": 1}, "hint"),
        ({"body": True}, "body"),
        ({"faults": [{"kind": "fin", "nth": "2"}]}, "nth"),
        ({"faults": [{"sort": "fin"}]}, "sort"),
        ({"faults": [3]}, "3"),
    ],
)
def test_wrong_changes_are_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Behaviour().changed(changes)


def test_changes_are_taken() -> None:
    changed = Behaviour().changed(
        {"keepalive_timeout": 2, "hint": False, "faults": [{"kind": "fin"}, "rst,nth=2"]}
    )
    assert changed.keepalive_timeout == 2.0
    assert not changed.hint
    assert changed.faults == (Fault("fin"), Fault("rst", nth=2))


def test_the_command_line_reaches_the_behaviour() -> None:
    flags = (
        "--listen both --no-hint --keepalive-timeout 2 --max-connections 9 --http10 --body 7 "
        "--fault rst,nth=3 --close-path /poison"
    )
    argv = [sys.executable, "-m", "surehop.lab.origins", *flags.split()]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        started = json.loads(process.stdout.readline())
        state = call(started["control"], "GET", "/state")[1]
        process.terminate()
    assert process.returncode == 0
    assert started["pid"] == process.pid
    assert started["addresses"] == [f"127.0.0.1:{started['port']}", f"[::1]:{started['port']}"]
    wanted = Behaviour(
        listen="both", hint=False, keepalive_timeout=2.0, max_connections=9, http10=True, body=7
    )
    behaviour = dict(state["behaviour"])
    faults = [Fault(**fault) for fault in behaviour.pop("faults")]
    assert Behaviour(**behaviour) == wanted
    assert faults == [Fault("rst", nth=3), Fault("fin", path="/poison")]


@pytest.mark.parametrize("flags", ["--fault boom", "--listen ipv5", "--keepalive-timeout -1"])
def test_wrong_flags_are_refused(flags: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(flags.split())
    assert stop.value.code == 2
    assert flags.split()[1] in capsys.readouterr().err


@pytest.fixture
def running() -> Iterator[OriginProcess]:
    with OriginProcess() as origin:
        yield origin


def call(port: int, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, body)
    response = connection.getresponse()
    value = json.loads(response.read() or b"{}")
    connection.close()
    return response.status, value


def test_the_control_api(running: OriginProcess) -> None:
    status, state = call(running.control, "POST", "/state", '{"status": 503, "listen": "both"}')
    assert status == 200
    assert state["behaviour"]["status"] == 503
    assert len(state["addresses"]) == 2
    with Raw(running.port, "::1") as raw:
        assert raw.answer()[0] == 503
        assert call(running.control, "POST", "/close_idle", '{"how": "rst"}')[1] == {"closed": 1}
        assert raw.end() == "rst"
    assert call(running.control, "GET", "/state")[1]["stats"]["requests"] == 1
    assert call(running.control, "POST", "/reset") == (204, {})
    assert call(running.control, "GET", "/state")[1]["stats"]["requests"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/state", '{"status": "many"}', 400),
        ("POST", "/state", "[1]", 400),
        ("POST", "/close_idle", '{"how": "bang"}', 400),
        ("POST", "/state", "{", 400),
        ("DELETE", "/state", None, 405),
        ("GET", "/nothing", None, 404),
    ],
)
def test_the_control_api_says_what_is_wrong(
    running: OriginProcess, method: str, path: str, body: str | None, status: int
) -> None:
    got, value = call(running.control, method, path, body)
    assert got == status
    assert value["error"]


def test_a_process_takes_the_same_changes(running: OriginProcess) -> None:
    running.set(faults=[Fault("fin", nth=1, times=1)])
    with Raw(running.port) as raw:
        assert raw.send(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n").end() == "fin"
    with pytest.raises(ValueError, match="no `x`"):
        running.set(x=1)
