"""An origin for a test or a demo: in a thread of this process, or in a process of its own."""

import asyncio
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TypeVar

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.faults import Fault
from surehop.lab.origins.server import Closing, Delivery, Server, Stats
from surehop.lab.ports import Port

_T = TypeVar("_T")
_PATIENCE = 10.0


class Origin:
    """An origin in a thread of its own. Keywords are the fields of `Behaviour`.

    Its port is held on both families as long as it lives, so a family it does not listen on
    refuses. OSError if a port was asked for and is in use.
    """

    def __init__(self, *, port: int = 0, unix: str | None = None, **behaviour: Any) -> None:
        self._behaviour = Behaviour().changed(behaviour)
        self._want = (port, unix)
        self._started: threading.Event = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="origin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        if self._error:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def addresses(self) -> list[str]:
        """Where it listens now: `127.0.0.1:PORT`, `[::1]:PORT`, `unix:PATH`."""
        return self._server.addresses

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or ::1 where it listens there alone."""
        return _url(self.port, self.addresses)

    @property
    def behaviour(self) -> Behaviour:
        """What it does now."""
        return self._server.behaviour

    def set(self, **changes: Any) -> None:
        """Change fields of its `Behaviour`; in force when this returns."""
        self._await(self._server.change(changes))

    def reset(self) -> None:
        """Behave as at the start, and count from zero."""
        self._await(self._server.reset())

    def stats(self) -> Stats:
        async def ask() -> Stats:
            return self._server.stats()

        return self._await(ask())

    def close_idle(self, how: str = "fin") -> int:
        """Close the connections that wait for a request; how many there were."""

        async def ask() -> int:
            return self._server.close_idle(how)

        return self._await(ask())

    def _await(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            port, unix = self._want
            self._server = Server(self._behaviour, port=port, unix=unix)
            await self._server.start()
        except BaseException as error:  # noqa: BLE001  it is raised where the origin was asked for
            self._error = error
            return
        finally:
            self._started.set()
        await self._stop.wait()
        await self._server.stop()


class OriginProcess:
    """An origin in a process of its own, which can be killed and come back on its port.

    host: where it listens instead of on 127.0.0.1 and ::1, which still hold the port. arguments:
    flags of `surehop lab origin` that are no fields of `Behaviour`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "",
        unix: str | None = None,
        arguments: Sequence[str] = (),
        **behaviour: Any,
    ) -> None:
        self._arguments = [*arguments, *(["--host", host] if host else [])]
        self._behaviour = Behaviour().changed(behaviour)
        self._unix = unix
        self._process: subprocess.Popen[str] | None = None
        self._port = Port(port)
        self.control = 0

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._port.close()

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def addresses(self) -> list[str]:
        return list(self._call("GET", "/state")["addresses"])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or ::1 where it listens there alone."""
        return _url(self.port, self.addresses)

    def kill(self) -> None:
        """SIGKILL, if it lives: its connections are reset and its port refuses."""
        if self._process:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None

    def restart(self) -> None:
        """Start it, on the same port, behaving as it was first asked to."""
        self.kill()
        argv = [sys.executable, "-m", "surehop.lab.origins", "--port", str(self.port)]
        argv += ["--behaviour", json.dumps(asdict(self._behaviour)), *self._arguments]
        if self._unix:
            argv += ["--unix", self._unix]
        self._process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for who started it, and may still want to ask
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.kill()
            raise RuntimeError("the origin did not start; its stderr says why")
        self.control = int(json.loads(line)["control"])

    def set(self, **changes: Any) -> None:
        """Change fields of its `Behaviour`; in force when this returns."""
        if "faults" in changes:
            faults = changes["faults"]
            changes["faults"] = [asdict(f) if isinstance(f, Fault) else f for f in faults]
        self._call("POST", "/state", changes)

    def reset(self) -> None:
        """Behave as at the start without toxics, and count from zero."""
        self._call("POST", "/reset")

    def stats(self) -> Stats:
        stats = dict(self._call("GET", "/state")["stats"])
        stats["deliveries"] = tuple(Delivery(**d) for d in stats["deliveries"])
        stats["closings"] = tuple(Closing(**c) for c in stats["closings"])
        return Stats(**stats)

    def close_idle(self, how: str = "fin") -> int:
        """Close the connections that wait for a request; how many there were."""
        return int(self._call("POST", "/close_idle", {"how": how})["closed"])

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise RuntimeError("the origin is not running")
        return self._process

    def _call(self, method: str, path: str, value: object = None) -> dict[str, Any]:
        self._running()
        connection = http.client.HTTPConnection("127.0.0.1", self.control, timeout=_PATIENCE)
        try:
            connection.request(method, path, json.dumps(value) if value is not None else None)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
        finally:
            connection.close()
        if response.status not in (http.client.OK, http.client.NO_CONTENT):
            raise ValueError(answer["error"])
        return answer


def _url(port: int, addresses: Sequence[str]) -> str:
    told = [address for address in addresses if not address.startswith("unix:")]
    return f"http://{told[0] if told else f'127.0.0.1:{port}'}"
