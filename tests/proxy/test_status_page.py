"""`surehop_status`: what is known of the peers, for people and for Prometheus."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from front import logged, running

from raw import Raw
from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject


@pytest.fixture(scope="module")
def subject(surehop: Program) -> Iterator[Subject]:
    """A group with a peer that refuses, one request after it found out."""
    with Scripted() as origin, Port() as refused:
        http = f"""
            upstream app {{ server 127.0.0.1:{refused.number}; server 127.0.0.1:{origin.port}; }}
            server {{
                listen 127.0.0.1:@PORT@;
                location / {{ proxy_pass http://app; }}
                location = /status {{ surehop_status; access_log off; }}
                location = /everywhere {{ surehop_status allow_remote; access_log off; }}
            }}"""
        with running(surehop, http) as running_subject, Raw(running_subject.port) as client:
            for _ in range(3):
                assert client.answer()[0] == 200
            logged(running_subject, 3)
            yield running_subject


def ask(subject: Subject, target: str, *lines: str) -> tuple[dict[str, str], str]:
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: o", *lines, "", ""])
    with Raw(subject.port) as client:
        status, headers, body = client.answer(head.encode())
    assert status == 200
    return headers, body.decode()


def test_json(subject: Subject) -> None:
    headers, body = ask(subject, "/status")
    assert headers["content-type"] == "application/json"
    told: dict[str, Any] = json.loads(body)
    (group,) = told["upstreams"]
    assert group["name"] == "app"
    out, well = group["peers"]
    assert out["state"] in ("ejected", "probing")
    assert well["state"] == "available"
    assert out["why"] == "refused"
    assert abs(float(out["ejected_since"]) - time.time()) < 60
    assert (group["requests"], group["retries_denied"]) == (3, 0)
    assert out["failures"] == 1
    assert well["picks"] == 3
    assert well["connects"] + well["reuses"] == 3
    assert well["reuses"] == 2


METRIC = re.compile(r'[a-z_:]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+]+')


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/status?format=prometheus", []),
        ("/status", ["Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"]),
        ("/status", ["Accept: text/plain"]),
    ],
)
def test_prometheus(subject: Subject, target: str, lines: list[str]) -> None:
    headers, body = ask(subject, target, *lines)
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in body.splitlines() if not line.startswith("#")]
    assert samples
    for line in samples:
        assert METRIC.fullmatch(line), line
    named = {line.split("{")[0].split(" ")[0] for line in samples}
    declared = set(re.findall(r"^# TYPE (\S+) ", body, re.MULTILINE))
    assert named <= declared
    values = dict(line.rsplit(" ", 1) for line in samples)
    up = {key.split('peer="')[1].split('"')[0]: v for key, v in values.items() if "_peer_up" in key}
    assert list(up.values()) == ["0", "1"]
    (why,) = [key for key in values if key.startswith("surehop_peer_ejected{")]
    assert 'upstream="app"' in why
    assert 'reason="refused"' in why


def test_the_query_has_the_first_word(subject: Subject) -> None:
    headers, _ = ask(subject, "/status?format=json", "Accept: text/plain")
    assert headers["content-type"] == "application/json"


def test_head(subject: Subject) -> None:
    with Raw(subject.port) as client:
        head = b"HEAD /status HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n"
        assert client.send(head).rest().endswith(b"\r\n\r\n")


def test_remote_is_a_word_of_the_configuration(subject: Subject) -> None:
    assert json.loads(ask(subject, "/everywhere")[1])["upstreams"]
