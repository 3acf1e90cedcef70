"""A big configuration is read quickly: `-t` of 10,000 lines is to take less than a second."""

import time
from collections.abc import Iterator

import pytest

from surehop.conf.loading import loads
from surehop.errors import ConfigErrors
from surehop.plan.building import build

_LINES = 10_000
# As much again for a machine that has other things to do.
_WITHIN = 2.0


def big() -> str:
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from ("events { worker_connections 1024; }", "http {", "map $host $backend {")
    yield from (f"host{i}.example.com backend{i};" for i in range(1500))
    yield "}"
    for i in range(_LINES // 65):
        yield from (f"upstream up{i} {{", f"  server 127.0.0.1:{8000 + i} weight=2 max_fails=3;")
        yield from ("  server 127.0.0.2 backup;", "  keepalive 16;", "}", "server {")
        yield from (f"  listen 80{i % 100:02};", f"  server_name s{i}.example.com *.s{i}.org;")
        yield "  access_log logs/access.log combined;"
        for j in range(6):
            yield from (f"  location /p{j}/ {{", f"    proxy_pass http://up{i};")
            yield from ("    proxy_set_header Host $host;", "    # what the client is called")
            yield from ('    proxy_set_header X-Real-IP "$remote_addr";', "    return 200;")
            yield from ("    proxy_read_timeout 30s;", "  }", "")
        yield "}"
    yield "}"


def test_ten_thousand_lines() -> None:
    text = big()
    assert text.count("\n") > _LINES
    began = time.process_time()

    model = loads(text.encode(), file="/n.conf", prefix="/srv", privileged=True)
    made = build(model, resolve=lambda _: (), resilience_default=False, version="0", cpus=1)
    made.to_json()

    assert time.process_time() - began < _WITHIN
    assert len(made.servers) == _LINES // 65


HOSTILE = (
    *("a" * 300_000, '"' * 300_000, "$" * 300_000, "\\" * 300_000, "};" * 20_000, "a {" * 20_000),
    "".join(f"directive{i} x;" for i in range(20_000)),
    "http { server {" + "location / {" * 3000 + "}" * 3000 + "} }",
    "http { map $host $x {" + "a b;" * 20_000 + "} }",
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_what_is_hostile_takes_no_longer(text: str) -> None:
    began = time.process_time()

    with pytest.raises(ConfigErrors):
        loads(f"events {{}} {text}".encode(), file="/n.conf", prefix="/srv", privileged=True)

    assert time.process_time() - began < _WITHIN
