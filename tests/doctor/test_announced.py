"""Nothing reaches a server that was not announced."""

import re
import threading
import time
from typing import Any

import pytest
from probed import probed
from recorder import Recorder

from surehop import __version__
from surehop.doctor import Talk
from surehop.doctor.probing.limits import Announced, Asked, Meter, Overspent, announced
from surehop.doctor.probing.url import hop_of
from surehop.errors import OptionError
from waiting import eventually

REQUEST = re.compile(
    rb"GET / HTTP/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nUser-Agent: surehop-probe/"
    + re.escape(__version__.encode())
    + rb"\r\nAccept: \*/\*\r\n(?:Expect: 100-continue\r\nContent-Length: 1\r\n)?\r\nx?"
)


@pytest.mark.parametrize("asked", [{}, {"crowd": 8}, {"max_wait": 0}, {"max_wait": 0.1}])
def test_the_bounds_are_kept(asked: dict[str, Any]) -> None:
    with Recorder() as server:
        hop = hop_of(server.url)
        sheet = probed(server.url, **asked)
        bounds = announced(hop, Asked(**{"max_wait": 5.0, **asked}), 1)
        eventually(lambda: len(server.heard) == sheet.connections)

    assert sheet.announced == bounds
    assert len(server.heard) <= bounds.connections
    # One that met a close is not heard.
    assert server.requests <= sheet.requests <= bounds.requests
    assert sum(each.count(b"Expect:") for each in server.heard) <= bounds.bodies
    for each in server.heard:
        assert REQUEST.sub(b"", bytes(each)) == b""


def test_it_is_said_before() -> None:
    said: list[tuple[str, int]] = []
    with Recorder() as server:
        talk = Talk(lambda text: said.append((text, len(server.heard))))
        probed(server.url, max_wait=0, talk=talk)

    ((text, before),) = said
    assert text == (
        f"{server.url}: at most 11 GET requests, one with `Expect: 100-continue` and a body of one"
        " byte, over 3 connections, for 30 s"
    )
    assert before == 0


def test_the_meter_lets_nothing_more_through() -> None:
    meter = Meter(Announced("GET", connections=1, requests=1, bodies=0, seconds=1))
    meter.connection()
    meter.request()

    with pytest.raises(Overspent):
        meter.connection()
    with pytest.raises(Overspent):
        meter.request()


def test_a_server_that_drips_does_not_outlast_what_was_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("surehop.doctor.probing.limits._SPARE_S", 1)
    with Recorder(b"HTTP/1.1 200 OK\r\n", idle=3) as server:  # and no more of it
        began = time.monotonic()
        sheet = probed(server.url, max_wait=0)

    assert sheet.stopped
    assert time.monotonic() - began < 5


def test_an_interrupt_gives_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    resting = threading.Event()

    def progress(text: str) -> None:
        if "left alone" in text:
            resting.set()

    def interrupted(*_: object) -> None:
        assert resting.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr("surehop.doctor.probing.several._watch", interrupted)
    with Recorder(idle=60) as server:
        sheet = probed(server.url, max_wait=50, talk=Talk(progress=progress))
        for each in (sheet.kept, sheet.answered, sheet.idle):
            assert each
        assert sheet.stopped


@pytest.mark.parametrize(
    "url",
    ["ftp://x/", "http://", "http://user:word@x/", "http://x:99999/", "http://unknown.test/"],
)
def test_what_can_not_be_probed(url: str) -> None:
    with pytest.raises(OptionError):
        probed(url)
