"""A client that was written for toxiproxy works against an origin's control port."""

import warnings
from typing import Any

import pytest

from raw import GET, Raw
from surehop.lab.origins import OriginProcess

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is of an older Python
    toxiproxy = pytest.importorskip("toxiproxy", reason="pip install toxiproxy-python")


@pytest.fixture
def server() -> Any:
    with OriginProcess() as origin:
        client = toxiproxy.Toxiproxy()
        client.update_api_consumer("127.0.0.1", origin.control)
        yield client


def port_of(proxy: Any) -> int:
    return int(proxy.listen.rpartition(":")[2])


def test_it_sees_the_origin_and_makes_relays(server: Any) -> None:
    origin = server.get_proxy("origin")
    assert server.version()
    hop = server.create(name="hop", upstream=origin.listen)
    assert set(server.proxies()) == {"origin", "hop"}
    with Raw(port_of(hop)) as raw:
        assert raw.answer()[0] == 200
    with hop.down(), pytest.raises(ConnectionRefusedError):
        Raw(port_of(hop))
    hop.add_toxic(name="cut", type="limit_data", attributes={"bytes": 9})
    with Raw(port_of(hop)) as raw:
        assert raw.send(GET).rest() == b"HTTP/1.1 "
    assert hop.get_toxic("cut").attributes == {"bytes": 9}
    hop.destroy_toxic("cut")
    assert hop.toxics() == {}
    assert server.destroy(hop)
    assert set(server.proxies()) == {"origin"}


def test_it_adds_what_toxiproxy_has_not(server: Any) -> None:
    origin = server.get_proxy("origin")
    origin.add_toxic(type="http_rst", attributes={"nth": 2})
    with Raw(port_of(origin)) as raw:
        assert raw.answer()[0] == 200
        assert raw.send(GET).end() == "rst"
    server.reset()
    with Raw(port_of(origin)) as raw:
        assert [raw.answer()[0] for _ in range(2)] == [200, 200]


def test_its_errors_are_its_own(server: Any) -> None:
    with pytest.raises(Exception, match="invalid toxic type"):
        server.get_proxy("origin").add_toxic(type="poison")
    populated = server.populate([{"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}])
    assert [proxy.name for proxy in populated] == ["a"]
