"""Which host a call has: the thread's, or that of the loop it runs in."""

import asyncio
import sys
from typing import Any

from surehop._core import Transport
from surehop.client.hosts.aio import AioHost
from surehop.client.hosts.host import Host
from surehop.client.hosts.sync import SyncHost


class ThreadHosts:
    """Every thread has the same."""

    def begin(self, transport: Transport) -> None:
        self._host = SyncHost(transport)

    def find(self) -> Host:
        return self._host

    def close(self) -> None:
        self._host.close()


class LoopHosts:
    """One for the loop that runs; several loops may have their turns, one after another."""

    def begin(self, transport: Transport) -> None:
        self._transport = transport
        self._host: Any = None
        self._loop: object = None

    def find(self) -> Host:
        try:
            loop: Any = asyncio.get_running_loop()
        except RuntimeError:
            loop = _trio_token()
        if loop is not self._loop:
            self._move(loop)
        host: Host = self._host
        return host

    def close(self) -> None:
        if self._host is None:
            self._transport.close()
        else:
            self._host.close()

    def _move(self, loop: Any) -> None:
        old, before = self._host, self._loop
        if old is not None:
            running = isinstance(before, asyncio.AbstractEventLoop) and before.is_running()
            if old.busy and running:
                raise RuntimeError(
                    "the client has requests under way in another event loop\n"
                    "hint: give each loop a client of its own"
                )
            old.leave()
        if isinstance(loop, asyncio.AbstractEventLoop):
            self._host = AioHost(self._transport, loop)
        else:
            from surehop.client.hosts.trio import TrioHost  # noqa: PLC0415  trio need not be there

            self._host = TrioHost(self._transport, loop)
        self._loop = loop


def _trio_token() -> object:
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.current_trio_token()
        except RuntimeError:
            pass
    raise RuntimeError(
        "an `AsyncClient` works within asyncio or trio, but neither runs here\n"
        "hint: `Client` is for plain code"
    )
