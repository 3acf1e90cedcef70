"""A relay to an upstream that speaks anything over TCP, through its proxy's toxics."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from random import Random

from surehop.lab.sockets import reset_on_close
from surehop.lab.toxics.pipe import CutError, Pipe
from surehop.lab.toxics.place import Place, joined
from surehop.lab.toxics.toxic import FLOWS, Toxic, ToxicError

_PIECE = 65536
_WAITING = 16  # pieces that may have come before their time


class Relay:
    """Listens, and connects each client to the upstream. Everything is on its loop's thread."""

    def __init__(self, listen: Place, upstream: Place, seed: int = 0) -> None:
        self.random = Random(seed)  # noqa: S311  nothing secret
        self.toxics: Sequence[Toxic] = ()
        self._listen = listen
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.changed = asyncio.Event()

    @property
    def place(self) -> str:
        """Where it listens, or will."""
        return joined(self._listen)

    @property
    def upstream(self) -> str:
        return joined(self._upstream)

    @property
    def enabled(self) -> bool:
        return self._server is not None

    async def resume(self) -> None:
        """Listen; OSError if that can't be. The port stays the same from then on."""
        if self._server:
            return
        host, port = self._listen
        self._server = await asyncio.start_server(self._serve, host, port)
        self._listen = (host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End for good."""
        await self.pause()

    async def pause(self) -> None:
        """Listen no more, and drop every connection."""
        server, self._server = self._server, None
        if server:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def lay(self, toxics: Sequence[Toxic]) -> None:
        """Have these from now on, in connections that are open too."""
        for toxic in toxics:
            if toxic.type not in FLOWS:
                raise ToxicError(
                    f"invalid toxic type: `{toxic.type}` is for origins (upstream `lab:PROFILE`), "
                    f"a relay has {', '.join(FLOWS)}"
                )
        self.toxics = tuple(toxics)
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # Only the relay's end cancels a connection, and asyncio would print each as an error.
        with contextlib.suppress(asyncio.CancelledError):
            await self._connect(reader, writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there, upstream = await asyncio.open_connection(*self._upstream)
            ends.append(upstream)
            for end in ends:
                end.transport.set_write_buffer_limits(high=0)
            async with asyncio.TaskGroup() as group:
                for stream, source, to in (
                    ("upstream", reader, upstream),
                    ("downstream", there, writer),
                ):
                    flow: asyncio.Queue[_Arrival] = asyncio.Queue(_WAITING)
                    filling = group.create_task(_fill(source, flow))
                    group.create_task(self._pump(flow, to, Pipe(self, stream), filling))
        except* CutError as cuts:
            cut = cuts.exceptions[0]
            _end(ends, cut.how if isinstance(cut, CutError) else "fin")
        except* ConnectionError:
            # From one end it goes on to the other; an upstream that refuses is a plain close.
            _end(ends, "rst" if len(ends) > 1 else "fin")
        except* OSError:  # the upstream can't be reached
            pass
        finally:
            _end(ends, "fin")

    async def _pump(
        self,
        flow: "asyncio.Queue[_Arrival]",
        writer: asyncio.StreamWriter,
        pipe: Pipe,
        filling: "asyncio.Task[None]",
    ) -> None:
        while True:
            data, arrived = await self._next(flow, pipe)
            if not data:
                break
            async for piece in pipe.passed(data, arrived):
                writer.write(piece)
                await writer.drain()
        await pipe.ended()
        await filling
        if writer.can_write_eof():
            writer.write_eof()

    async def _next(self, flow: "asyncio.Queue[_Arrival]", pipe: Pipe) -> "_Arrival":
        """What comes next; CutError when a toxic's patience is over before."""
        read = asyncio.ensure_future(flow.get())
        try:
            while True:
                pipe.check()
                changed = asyncio.ensure_future(self.changed.wait())
                try:
                    done, _ = await asyncio.wait(
                        {read, changed},
                        timeout=pipe.patience,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    changed.cancel()
                if read in done:
                    return read.result()
                if not done:
                    raise CutError("fin")
        finally:
            read.cancel()


_Arrival = tuple[bytes, float]  # and when it came, by the loop's clock


async def _fill(reader: asyncio.StreamReader, flow: "asyncio.Queue[_Arrival]") -> None:
    loop = asyncio.get_running_loop()
    data = b"-"
    while data:
        data = await reader.read(_PIECE)
        await flow.put((data, loop.time()))


def _end(ends: Sequence[asyncio.StreamWriter], how: str) -> None:
    for end in ends:
        if end.transport.is_closing():
            continue
        if how == "rst":
            with contextlib.suppress(OSError):
                sock: socket.socket = end.get_extra_info("socket")
                reset_on_close(sock)
            end.transport.abort()
        else:
            end.close()
