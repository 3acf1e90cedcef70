"""Toxiproxy's vocabulary over HTTP: proxies and toxics, of an origin and of a relay."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from raw import GET, Raw, get
from surehop.lab.origins import Origin, OriginProcess
from surehop.lab.toxics import Toxic, ToxicError
from waiting import eventually


class Api:
    """A client of the API: every answer with its status."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(
        self, method: str, path: str, value: object = None, **headers: str
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        kind = response.headers.get("content-type", "")
        return response.status, json.loads(text) if "json" in kind else text

    def done(self, method: str, path: str, value: object = None) -> Any:
        status, told = self(method, path, value)
        assert status in (200, 201, 204), told
        return told

    def toxic(self, proxy: str, kind: str, *, toxicity: float = 1, **attributes: Any) -> Any:
        value = {"type": kind, "toxicity": toxicity, "attributes": attributes}
        return self.done("POST", f"/proxies/{proxy}/toxics", value)


@pytest.fixture(scope="module")
def process() -> Iterator[OriginProcess]:
    with OriginProcess(body=1000) as running:
        yield running


@pytest.fixture
def running(process: OriginProcess) -> OriginProcess:
    """An origin as at its start."""
    process.reset()
    return process


@pytest.fixture
def api(running: OriginProcess) -> Iterator[Api]:
    called = Api(running.control)
    yield called
    for name in set(called.done("GET", "/proxies")) - {"origin"}:
        called.done("DELETE", f"/proxies/{name}")


@pytest.fixture
def relay(running: OriginProcess, api: Api) -> int:
    """The port of a relay to the origin, named `hop`."""
    value = {"name": "hop", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{running.port}"}
    return port_of(api.done("POST", "/proxies", value))


def port_of(proxy: dict[str, Any]) -> int:
    return int(str(proxy["listen"]).rpartition(":")[2])


@pytest.fixture(params=["origin", "hop"])
def either(request: pytest.FixtureRequest, running: OriginProcess, relay: int) -> tuple[str, int]:
    """The name and the port of the origin itself, and of a relay to it."""
    return request.param, relay if request.param == "hop" else running.port


def test_the_origin_is_a_proxy(running: OriginProcess, api: Api) -> None:
    told = {
        "name": "origin",
        "listen": f"127.0.0.1:{running.port}",
        "upstream": "lab:plain",
        "enabled": True,
        "toxics": [],
    }
    assert api("GET", "/proxies") == (200, {"origin": told})
    assert api("GET", "/proxies/origin") == (200, told)
    assert api("GET", "/version")[1].startswith(b"2.")


def test_a_toxic_comes_changes_and_goes(api: Api) -> None:
    told = {
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
        "attributes": {"latency": 30, "jitter": 0},
    }
    assert api.toxic("origin", "latency", latency=30) == told
    assert api("GET", "/proxies/origin/toxics") == (200, [told])
    path = "/proxies/origin/toxics/latency_downstream"
    changed = {**told, "attributes": {"latency": 30, "jitter": 5}, "toxicity": 0.5}
    assert api("POST", path, {"toxicity": 0.5, "attributes": {"jitter": 5}}) == (200, changed)
    assert api("GET", path) == (200, changed)
    assert api("GET", "/proxies/origin")[1]["toxics"] == [changed]
    assert api("DELETE", path) == (204, b"")
    assert api("GET", "/proxies/origin/toxics") == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("GET", "/proxies/none", None, 404),
        ("DELETE", "/proxies/none", None, 404),
        ("GET", "/proxies/origin/toxics/none", None, 404),
        ("DELETE", "/proxies/origin/toxics/none", None, 404),
        ("POST", "/proxies/origin/toxics", {"type": "poison"}, 400),
        ("POST", "/proxies/origin/toxics", {"type": "latency", "stream": "sideways"}, 400),
        ("POST", "/proxies/origin/toxics", {"type": "latency", "toxicity": 2}, 400),
        (
            "POST",
            "/proxies/origin/toxics",
            {"type": "latency", "attributes": {"latency": "x"}},
            400,
        ),
        ("POST", "/proxies/origin/toxics", {"type": "http_fin", "attributes": {"at": "x"}}, 400),
        ("POST", "/proxies/origin/toxics", {"type": "refuse", "attributes": {"family": "x"}}, 400),
        ("POST", "/proxies", {"name": "origin", "upstream": "127.0.0.1:1"}, 409),
        ("POST", "/proxies", {"name": "x"}, 400),
        ("POST", "/proxies", {"upstream": "127.0.0.1:1"}, 400),
        ("POST", "/proxies", {"name": "x", "upstream": "127.0.0.1"}, 400),
        ("POST", "/proxies", {"name": "x", "upstream": "lab:iis"}, 400),
        ("POST", "/proxies", [], 400),
        ("POST", "/populate", {}, 400),
        ("GET", "/reset", None, 405),
        ("GET", "/nothing", None, 404),
    ],
)
def test_what_is_wrong_is_said(
    api: Api, method: str, path: str, value: object, status: int
) -> None:
    got, told = api(method, path, value)
    assert got == status
    assert told["error"]
    assert told["status"] == status


def test_a_toxic_is_not_had_twice(api: Api) -> None:
    api.toxic("origin", "latency")
    assert api("POST", "/proxies/origin/toxics", {"type": "latency"})[0] == 409


def test_browsers_are_turned_away(api: Api) -> None:
    assert api("GET", "/proxies", **{"User-Agent": "Mozilla/5.0"})[0] == 403


def test_http_faults_are_not_a_relays(api: Api, relay: int) -> None:
    status, told = api("POST", "/proxies/hop/toxics", {"type": "http_rst"})
    assert status == 400
    assert "lab:PROFILE" in told["error"]


def test_down_and_up(either: tuple[str, int], api: Api) -> None:
    name, port = either
    with Raw(port) as raw:
        assert raw.answer()[0] == 200
        assert api.done("POST", f"/proxies/{name}", {"enabled": False})["enabled"] is False
        assert raw.end() in ("fin", "rst")
    with pytest.raises(ConnectionRefusedError):
        Raw(port)
    api.done("POST", "/reset")
    with Raw(port) as raw:
        assert raw.answer()[0] == 200


def timed(port: int) -> tuple[float, bytes]:
    before = time.monotonic()
    with Raw(port) as raw:
        body = raw.answer()[2]
    return time.monotonic() - before, body


def test_nothing_is_changed_without_toxics(either: tuple[str, int]) -> None:
    with Raw(either[1]) as raw:
        assert [len(raw.answer(get(f"/bytes/{n}"))[2]) for n in (0, 10, 300_000)] == [
            0,
            10,
            300_000,
        ]


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency(either: tuple[str, int], api: Api, stream: str) -> None:
    value = {"type": "latency", "stream": stream, "attributes": {"latency": 120, "jitter": 10}}
    api.done("POST", f"/proxies/{either[0]}/toxics", value)
    took, body = timed(either[1])
    assert took > 0.1
    assert len(body) == 1000


def test_latency_is_not_added_up(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "latency", latency=100)
    with Raw(either[1]) as raw:
        before = time.monotonic()
        assert len(raw.answer(get("/bytes/4000000"))[2]) == 4_000_000
        assert time.monotonic() - before < 3


def test_bandwidth(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "bandwidth", rate=10)
    took, body = timed(either[1])
    assert took > 0.08
    assert len(body) == 1000


def test_slicer(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "slicer", average_size=100, size_variation=20, delay=10_000)
    took, body = timed(either[1])
    assert took > 0.06
    assert body == b"".join([bytes([33 + i % 94]) for i in range(1000)])


@pytest.mark.parametrize("size", [0, 150, 400])
def test_limit_data(either: tuple[str, int], api: Api, size: int) -> None:
    api.toxic(either[0], "limit_data", bytes=size)
    with Raw(either[1]) as raw:
        assert len(raw.send(GET).rest()) == size


def test_slow_close(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "slow_close", delay=150)
    with Raw(either[1]) as raw:
        raw.answer(get(close=True))
        before = time.monotonic()
        assert raw.end() == "fin"
        assert time.monotonic() - before > 0.1


@pytest.mark.parametrize("timeout", [0, 80])
def test_reset_peer(either: tuple[str, int], api: Api, timeout: int) -> None:
    api.toxic(either[0], "reset_peer", timeout=timeout)
    with Raw(either[1]) as raw:
        before = time.monotonic()
        assert raw.send(GET).end() == "rst"
        assert time.monotonic() - before >= timeout / 1000


def test_a_timeout_swallows_and_its_end_closes(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "timeout", timeout=0)
    with Raw(either[1]) as raw:
        assert raw.send(GET).end(0.05) == "open"
        api.done("POST", "/reset")
        assert raw.end(2) == "fin"


def test_a_timeout_ends_by_itself(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "timeout", timeout=100)
    with Raw(either[1]) as raw:
        before = time.monotonic()
        assert raw.send(GET).end() == "fin"
        assert time.monotonic() - before > 0.08


def test_toxicity_is_a_share_of_connections(either: tuple[str, int], api: Api) -> None:
    api.toxic(either[0], "limit_data", toxicity=0.5, bytes=0)
    found = []
    for _ in range(40):
        with Raw(either[1]) as raw:
            found.append(len(raw.send(get(close=True)).rest()) > 0)
    assert 4 < sum(found) < 36


def test_toxics_reach_open_connections(either: tuple[str, int], api: Api) -> None:
    with Raw(either[1]) as raw:
        assert raw.answer()[0] == 200
        api.toxic(either[0], "reset_peer")
        assert raw.send(GET).end() == "rst"


def test_http_faults(running: OriginProcess, api: Api) -> None:
    api.toxic("origin", "http_rst", nth=2, times=1, at="head")
    with Raw(running.port) as raw:
        assert raw.answer()[0] == 200
        assert raw.send(GET).end() == "rst"
        assert raw.left().startswith(b"HTTP/1.1 200 OK\r\n")
    api.toxic("origin", "http_slow_head", duration=60)  # the other's `times` are not given back
    with Raw(running.port) as raw:
        raw.answer()
        before = time.monotonic()
        assert raw.answer()[0] == 200
        assert time.monotonic() - before > 0.05


def test_knobs(running: OriginProcess, api: Api) -> None:
    api.toxic("origin", "keep_alive", timeout=50, close="rst")
    with Raw(running.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=0.05"
        assert raw.end() == "rst"
    api.toxic("origin", "max_requests", requests=1)
    with Raw(running.port) as raw:
        assert raw.answer()[1]["connection"] == "close"
    api.toxic("origin", "max_connections", connections=1)
    eventually(lambda: running.stats().open == 0)
    with Raw(running.port), Raw(running.port) as second:
        assert second.end() == "fin"
    api.done("DELETE", "/proxies/origin/toxics/keep_alive_downstream")
    running.set(listen="both")
    api.toxic("origin", "refuse", family="ipv4")
    assert running.addresses == [f"[::1]:{running.port}"]


def test_a_behaviour_is_changed_under_its_toxics(running: OriginProcess, api: Api) -> None:
    api.toxic("origin", "max_requests", requests=1)
    running.set(status=503)
    with Raw(running.port) as raw:
        status, headers, _ = raw.answer()
    assert (status, headers["connection"]) == (503, "close")


def test_another_origin_of_a_profile(api: Api) -> None:
    made = api.done("POST", "/proxies", {"name": "node", "upstream": "lab:node20"})
    assert made["upstream"] == "lab:node20"
    with Raw(port_of(made)) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=5"
    changed = api.done("POST", "/proxies/node", {"upstream": "lab:nginx"})
    with Raw(port_of(changed)) as raw:
        assert raw.answer()[1]["server"] == "nginx"
    api.done("DELETE", "/proxies/node")
    with pytest.raises(ConnectionRefusedError):
        Raw(port_of(changed))


def test_populate(running: OriginProcess, api: Api) -> None:
    upstream = f"127.0.0.1:{running.port}"
    wanted: list[dict[str, Any]] = [{"name": n, "upstream": upstream} for n in ("a", "b")]
    wanted[1]["enabled"] = False
    made = api.done("POST", "/populate", wanted)["proxies"]
    assert [(proxy["name"], proxy["enabled"]) for proxy in made] == [("a", True), ("b", False)]
    again = api.done("POST", "/populate", made)["proxies"]
    assert again == made
    assert api("POST", "/populate", [{"name": "c"}])[0] == 400


def test_a_relay_may_get_another_upstream(api: Api, relay: int) -> None:
    with Origin(status=404) as other:
        value = {"listen": f"127.0.0.1:{relay}", "upstream": f"127.0.0.1:{other.port}"}
        api.done("POST", "/proxies/hop", value)
        with Raw(relay) as raw:
            assert raw.answer()[0] == 404
    with Raw(relay) as raw:
        assert raw.end() == "fin", "nobody is behind it"


def test_a_port_that_is_taken(api: Api, relay: int) -> None:
    value = {"name": "x", "listen": f"127.0.0.1:{relay}", "upstream": "127.0.0.1:1"}
    assert api("POST", "/proxies", value)[0] == 500


def test_a_reset_goes_through_a_relay(running: OriginProcess, relay: int) -> None:
    running.set(faults=["rst"])
    with Raw(relay) as raw:
        assert raw.send(GET).end() == "rst"


def test_numbers_are_taken_as_json_has_them() -> None:
    made = Toxic.made({"type": "latency", "attributes": {"latency": 3.0, "unknown": 1}})
    assert made.attributes == {"latency": 3, "jitter": 0}
    with pytest.raises(ToxicError):
        Toxic.made({"type": "latency", "attributes": {"latency": -3}})
