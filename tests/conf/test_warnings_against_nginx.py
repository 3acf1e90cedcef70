"""What nginx takes with a warning, and how it warns: asked of a live one."""

import re
import subprocess
from pathlib import Path

import pytest
from broken_files import whole
from test_broken import nowhere

from surehop.conf.loading import loads
from surehop.errors import ConfigErrors
from surehop.lab.subjects import Program
from surehop.plan.building import build

pytestmark = pytest.mark.peers

_SAID = re.compile(r"\[(?:emerg|warn)\] (?:\d+#\d+: )?(.*)")
_TWO = "listen 8081; listen 8082;"
WARNED = (
    ("http", "server { listen 8081; server_name a b a; } server { listen 8081; server_name c b; }"),
    ("http", "server { listen 127.0.0.1:8081; } server { listen 127.0.0.1:8081; }"),
    ("http", "server { listen [::1]:8081; } server { listen [::1]:8081; server_name ''; }"),
    ("http", f"server {{ {_TWO} server_name b a; }} server {{ {_TWO} server_name A b; }}"),
    (
        "http",
        "server { listen 8081; server_name .a.b; } server { listen 8081; server_name *.a.b; }",
    ),
    ("http", "server { listen 8081; server_name .a.b; } server { listen 8081; server_name a.b; }"),
    ("http", "server { listen 8081; server_name .a.b .a.b a.b; }"),
    ("http", "server { listen 8081; server_name a.*; } server { listen 8081; server_name a.*; }"),
    ("http", "server { listen 8081; server_name ~a; } server { listen 8081; server_name ~a; }"),
    ("http", "server { listen 8081; server_name a/b; }"),
    ("http", "geo $a { 127.0.0.1/8 x; 10.0.0.0/8 y; 10.0.0.0/8 z; delete 1.0.0.0/8; }"),
    ("http", "geo $a { default 1; default 2; proxy 10.0.0.1/8; ::1/8 x; 10.0.0.1/32 y; }"),
    (
        "http",
        "geo $a { ranges; 10.0.0.1-10.0.0.9 x; 10.0.0.1-10.0.0.9 y; delete 1.0.0.1-1.0.0.2; }",
    ),
    ("http", "send_lowat 5;"),
    ("events", "debug_connection 127.0.0.1/8;"),
    ("events", "worker_connections 0;"),
    ("main", "worker_cpu_affinity 01 10;"),
    ("main", "worker_processes 2; worker_cpu_affinity 01 10;"),
    ("main", "worker_processes 2; worker_cpu_affinity 01;"),
    ("upstream", "server 127.0.0.1; least_conn; ip_hash;"),
)


def theirs(nginx: Program, prefix: Path, text: str) -> list[str]:
    (prefix / "nginx.conf").write_text(text)
    command = [*nginx.argv, "-p", str(prefix), "-c", "nginx.conf", "-e", "stderr", "-t"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return _SAID.findall(run.stderr)


def ours(prefix: Path, text: str) -> list[str]:
    file = str(prefix / "nginx.conf")
    try:
        model = loads(text.encode(), file=file, prefix=prefix, privileged=True)
        made = build(model, resolve=nowhere, resilience_default=False, version="0", cpus=1)
    except ConfigErrors as errors:
        return [str(error) for error in errors.errors]
    return [warned.text for warned in made.warnings]


@pytest.mark.parametrize(("context", "snippet"), WARNED, ids=[snippet for _, snippet in WARNED])
def test_like_nginx(nginx: Program, tmp_path: Path, context: str, snippet: str) -> None:
    (tmp_path / "logs").mkdir()
    text = whole(context, snippet)

    assert ours(tmp_path, text) == theirs(nginx, tmp_path, text)
