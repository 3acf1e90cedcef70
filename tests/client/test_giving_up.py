"""Cancelling, signals, forks, ends: nothing is swallowed, nothing is left."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from typing import Any

import pytest
import trio
import uvloop

from surehop import AsyncClient, Client, CloseError, Timeout
from surehop.lab.origins import Fault, Origin

SYNC = """
    with surehop.Client(timeout=None, retries=5) as client:
        print("asking", flush=True)
        client.get(sys.argv[1])
"""
ASYNC = """
    async def main():
        async with surehop.AsyncClient(timeout=None, retries=5) as client:
            print("asking", flush=True)
            await client.get(sys.argv[1])
    {run}
"""


async def arrived(origin: Origin) -> None:
    while not origin.stats().requests:  # noqa: ASYNC110  it is another thread's
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "code",
    [
        SYNC,
        ASYNC.format(run="asyncio.run(main())"),
        ASYNC.format(run="uvloop.run(main())"),
        ASYNC.format(run="trio.run(main)"),
    ],
    ids=["sync", "asyncio", "uvloop", "trio"],
)
def test_control_c_ends_at_once(code: str) -> None:
    head = "import asyncio, sys, trio, uvloop, surehop\n"
    with Origin(faults=[Fault("hang")]) as origin:
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                head + textwrap.dedent(code),
                f"http://127.0.0.1:{origin.port}/",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout is not None
            child.stdout.readline()
            while not origin.stats().requests:
                assert child.poll() is None
            child.send_signal(signal.SIGINT)
            _, told = child.communicate(timeout=10)
    assert "KeyboardInterrupt" in told
    assert child.returncode != 0


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_cancelled_task_gives_its_request_up(run: Any) -> None:
    async def main() -> dict[str, Any]:
        async with AsyncClient() as client:
            task = asyncio.create_task(client.get(url))
            await arrived(origin)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            origin.set(faults=[])
            assert (await client.get(url)).status_code == 200
            return client.stats()

    with Origin(faults=[Fault("hang")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        stats = run(main())
    assert (stats["requests"], stats["connections"]) == (0, 1)


def test_a_cancelled_scope_gives_its_request_up() -> None:
    async def main() -> dict[str, Any]:
        async with AsyncClient() as client:
            with trio.move_on_after(0.2) as scope:
                await client.get(url)
            assert scope.cancelled_caught
            origin.set(faults=[])
            assert (await client.get(url)).status_code == 200
            return client.stats()

    with Origin(faults=[Fault("hang")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        assert trio.run(main)["requests"] == 0


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_many_cancelled_at_any_time_leave_nothing(run: Any) -> None:
    async def one(client: AsyncClient, patience: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await client.get(url)

    async def main() -> None:
        async with AsyncClient(retries=2) as client:
            for _ in range(5):
                await asyncio.gather(*[one(client, at / 2000) for at in range(40)])
            assert (await client.get(url)).status_code == 200
            host: Any = client._hosts.find()
            assert (host._early, host._waiting, client.stats()["requests"]) == ({}, {}, 0)

    with Origin(delay=0.005) as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        run(main())


def test_the_wait_before_a_retry_is_cancelled_too() -> None:
    async def main() -> None:
        async with AsyncClient(retries=5) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.get(f"http://127.0.0.1:{origin.port}/status/503")

    with Origin(faults=[Fault("rst")]) as origin:
        asyncio.run(main())


def test_one_client_in_several_loops_one_after_another() -> None:
    client = AsyncClient()
    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}/"

        async def once() -> int:
            return (await client.get(url)).status_code

        runs: list[Any] = [asyncio.run, uvloop.run, lambda work: work]
        assert [run(once()) for run in runs[:2]] == [200, 200]
        assert trio.run(once) == 200
        assert asyncio.run(once()) == 200
        asyncio.run(client.aclose())
        assert origin.stats().connections == 1


def test_outside_of_any_loop_it_says_so() -> None:
    client = AsyncClient()
    work = client.get("http://127.0.0.1:1/")
    with pytest.raises(RuntimeError, match="neither runs here"):
        work.send(None)
    asyncio.run(client.aclose())


def test_many_threads_share_a_client() -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                assert client.get(url).status_code == 200
        except BaseException as error:  # noqa: BLE001  a thread would swallow it
            failed.append(error)

    with Origin() as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert origin.stats().requests == 160
        assert origin.stats().connections <= 8


def test_closing_ends_what_is_under_way() -> None:
    async def main() -> None:
        client = AsyncClient(timeout=Timeout(None))
        task = asyncio.create_task(client.get(f"http://127.0.0.1:{origin.port}/"))
        await arrived(origin)
        await client.aclose()
        with pytest.raises(CloseError) as failed:
            await task
        assert failed.value.code == "ERR_CANCELED"

    with Origin(faults=[Fault("hang")]) as origin:
        asyncio.run(main())


def test_a_forked_child_has_connections_of_its_own() -> None:
    with Origin() as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        client.get(url)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the origin is a thread
            child = os.fork()
        if child == 0:
            ok = False
            try:
                ok = client.stats()["connections"] == 0 and client.get(url).status_code == 200
            finally:
                os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.get(url).status_code == 200
        assert origin.stats().connections == 2


def test_a_fork_beside_a_request_under_way() -> None:
    with Origin(delay=0.3) as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(client.get(url).status_code))
        thread.start()
        while not origin.stats().requests:
            pass
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        thread.join()
    assert statuses == [200]


def test_a_forgotten_client_leaves_nothing() -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  quicker
    threads = set(threading.enumerate())

    async def main() -> None:
        for _ in range(5):
            client = AsyncClient()
            await client.get(url)
            del client
        gc.collect()
        # A new descriptor may have the number of one that was forgotten.
        async with AsyncClient() as client:
            assert (await client.get(url)).status_code == 200

    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}/"
        with Client() as client:
            client.get(url)
        del client
        for _ in range(3):
            Client().get(url)
        asyncio.run(main())
        uvloop.run(main())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
    assert set(threading.enumerate()) <= threads
