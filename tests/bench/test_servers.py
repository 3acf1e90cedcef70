from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.proxy import servers

from bench import cpu
from surehop.conf.loading import loads

# A control process that waits, and two children: one waits too, the last one works.
FAMILY = """\
import subprocess, sys
idle = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
print(busy.pid, flush=True)
input()
busy.kill()
busy.wait()
idle.communicate(b"\\n")
"""


def test_the_data_process_is_the_one_that_worked(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdin=pipe, stdout=pipe) as control:
        assert control.stdout is not None
        busy = int(control.stdout.readline())
        running = servers.Running(control.pid, 0, tmp_path)

        def work() -> None:
            goal = cpu.read(busy).total + 0.05
            while cpu.read(busy).total < goal:
                pass

        found = running.data_process(work)
        control.communicate(b"\n")
    assert found == busy
    assert found != control.pid


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    log.write_text("no such directive\n")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with pytest.raises(SystemExit, match="no such directive"):
            servers.wait_until_accepting(process, servers.free_port(), log)


def test_nginx_and_surehop_differ_only_in_where_temporary_files_go() -> None:
    assert servers.SERVERS["nginx"].template is servers.SERVERS["surehop"].template
    assert all("_temp_path " in line for line in servers.NGINX_ONLY.strip().splitlines())


def test_the_configuration_of_many_has_as_many(tmp_path: Path) -> None:
    text = servers.many().format(port=1, backend="127.0.0.1:2", keepalive=4, nginx_only="")

    model = loads(text.encode(), file="/n.conf", prefix=tmp_path, privileged=True)

    assert len(model.servers) == 200
    assert sum(len(server.locations) for server in model.servers) == 500
    asked = next(server for server in model.servers if servers.MANY_HOST in server.names)
    assert servers.MANY_PATH in {location.path for location in asked.locations}
