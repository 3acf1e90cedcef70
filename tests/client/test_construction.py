"""What a client is made with, and what it says about what it can't be."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import surehop
from surehop import AsyncClient, Client, ConnectError, Limits, Retry


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"transport": object()}, "no option `transport`\nhint: `surehop.httpx.Transport`"),
        ({"mounts": {}}, "no option `mounts`\nhint: `proxy=`"),
        ({"http2": True}, "no option `http2`\nhint: HTTP/1.1 is spoken"),
        ({"colour": 1}, "a client has no option `colour`"),
        ({"retries": 1, "retry": 2}, "two names of one option"),
        ({"limits": 5}, "`limits` is a `Limits`"),
        ({"auth": 5}, "`auth` is `(user, password)`"),
        ({"timeout": "5"}, "`timeout` is seconds or None"),
        ({"max_redirects": "5"}, "`max_redirects` is a whole number"),
    ],
    ids=str,
)
def test_what_it_is_not_made_with(options: dict[str, Any], told: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(TypeError) as refused:
            kind(**options)
        assert told in str(refused.value)


def test_httpx_s_defaults_may_be_said() -> None:
    with Client(transport=None, mounts=None, http1=True, http2=False) as client:
        assert not client.is_closed


@pytest.mark.parametrize(
    "resilience",
    [{name: False} for name in ("attribution", "replay_keyed", "probe", "last_peer", "budget")],
    ids=str,
)
def test_each_point_can_be_turned_off(resilience: dict[str, bool]) -> None:
    Client(resilience=resilience).close()


def test_an_unknown_point() -> None:
    with pytest.raises(ValueError, match="`resilience` has attribution"):
        Client(resilience={"luck": True})


def test_it_shows_itself() -> None:
    client = Client(base_url="http://me:secret@a/x", limits=Limits(max_connections=None))

    assert repr(client) == "Client(base_url=URL('http://me:[secure]@a/x/'))"
    client.close()
    client.close()
    assert repr(client).endswith("closed)")
    with pytest.raises(RuntimeError, match="can't be opened again"), client:
        pass


def test_it_is_opened_once() -> None:
    with Client() as client, pytest.raises(RuntimeError, match="open already"), client:
        pass


def test_defaults_can_be_set() -> None:
    with Client(retry=Retry(2)) as client:
        client.timeout = 3
        client.base_url = "http://b"
        client.params = {"a": "1"}
        client.follow_redirects = True
        request = client.build_request("GET", "x", headers={"A": "b"})

        assert str(request.url) == "http://b/x?a=1"
        assert request.extensions["timeout"] == dict.fromkeys(
            ("connect", "read", "write", "pool"), 3.0
        )
        assert client.timeout.read == 3
        assert client.trust_env


def test_the_names_are_all_there() -> None:
    for name in dir(surehop):
        assert getattr(surehop, name) is not None
    with pytest.raises(AttributeError, match="`surehop` has no `nothing`"):
        _ = surehop.nothing


def test_the_command_line_does_not_wait_for_the_client() -> None:
    code = "import sys, surehop.cli; print(*(n for n in sys.modules if 'surehop.client' in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_one_request_without_a_client() -> None:
    from surehop.lab.origins import Origin  # noqa: PLC0415  only here

    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}"
        assert surehop.get(f"{url}/x").content == b"ok\n"
        assert surehop.post(f"{url}/echo", json=[1], timeout=3).json()["method"] == "POST"
        with surehop.stream("GET", f"{url}/bytes/5") as response:
            assert len(response.read()) == 5


def test_the_system_s_own_words_where_ours_cover_many(tmp_path: Path) -> None:
    path = tmp_path / "nobody.sock"
    with Client(uds=path) as client, pytest.raises(ConnectError) as failed:
        client.get("http://a/")
    told = f"GET http://a/: no connection: unix:{path} (no such file or directory)"
    assert str(failed.value) == told


def test_conditions_and_delays_are_there_without_an_import_of_theirs() -> None:
    code = "import surehop; print(surehop.retry.no_delay())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0.0\n"
