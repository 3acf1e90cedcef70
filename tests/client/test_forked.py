"""fork: the child begins with an empty pool, and the parent's connections are its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

import surehop
from surehop.lab.origins import Origin
from waiting import eventually

HERE = Path(__file__).parent


def in_a_child(work: Callable[[], None]) -> None:
    """Fork, and fail if the child does."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  whatever it is, the child ends here
            os.write(2, f"in the child: {error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("closes", [False, True])
def test_parent_and_child_have_their_own_connections(origin: Origin, closes: bool) -> None:
    url = f"http://127.0.0.1:{origin.port}/"
    with surehop.Client() as client:

        def child() -> None:
            for _ in range(2):
                assert client.get(url).status_code == 200
            if closes:
                client.close()

        client.get(url)
        in_a_child(child)
        in_a_child(child)
        client.get(url)

    connections = [delivery.connection for delivery in origin.stats().deliveries]
    assert connections == [1, 2, 2, 3, 3, 1]


def test_forked_while_other_threads_ask(origin: Origin) -> None:
    """What is locked at the moment of the fork stays so in the child, if nobody minds it."""
    url = f"http://127.0.0.1:{origin.port}/"
    done = False
    with surehop.Client() as client:

        def busy() -> None:
            while not done:
                assert client.get(url).status_code == 200

        def child() -> None:
            signal.alarm(20)
            assert client.get(url).status_code == 200

        threads = [Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                in_a_child(child)
        finally:
            done = True
            for thread in threads:
                thread.join()


def test_gunicorn_prefork(tmp_path: Path) -> None:
    """The client is made and used in the master, then by its workers, then by the master again."""
    log = tmp_path / "log"
    with Origin() as origin:
        environment = {
            **os.environ,
            "ORIGIN": f"http://127.0.0.1:{origin.port}/",
            "LOG": str(log),
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "python:forked_app"]
        with subprocess.Popen(
            [*command, "--no-control-socket", "forked_app:application"],
            cwd=HERE,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as gunicorn:
            assert gunicorn.stderr
            said = ""
            while not (port := re.search(r"Listening at: http://127.0.0.1:(\d+)", said)):
                line = gunicorn.stderr.readline()
                assert line, said
                said += line
            workers: set[str] = set()

            def both_have_answered() -> bool:
                with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/", timeout=20) as answer:
                    workers.add(answer.read().decode())
                return len(workers) == 2

            eventually(both_have_answered, within=30)
            gunicorn.send_signal(signal.SIGTERM)
            said += gunicorn.communicate(timeout=30)[1]
            assert gunicorn.returncode == 0, said
        deliveries = origin.stats().deliveries

    lines = [line.split() for line in log.read_text().splitlines()]
    assert {status for *_, status in lines} == {"200"}
    assert {pid for who, pid, _ in lines if who == "worker"} == workers
    connections: dict[str, set[int]] = {}
    for delivery in deliveries:
        connections.setdefault(delivery.id, set()).add(delivery.connection)
    assert len(connections) == 3
    assert all(len(own) == 1 for own in connections.values()), "one connection a process, all along"
    assert len(set.union(*connections.values())) == 3, "and none is shared"
    assert sum(who == "master" for who, *_ in lines) >= 2
