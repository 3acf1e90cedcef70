"""A server that kills a share of its connections at random, in a thread of its own."""

import asyncio
import random
import socket
import struct
import threading
from types import TracebackType
from typing import Self

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
RESET = struct.pack("ii", 1, 0)


class Killing:
    """Of the requests that come, `share` kill their connection: FIN, RST, or in mid-answer."""

    def __init__(self, *, share: float, seed: int) -> None:
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  chance, not a secret
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))
        self.requests = self.killed = self.connections = self.open = self.most = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _live(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                if self._random.random() < self._share:
                    self.killed += 1
                    self._kill(writer)
                    return
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def _kill(self, writer: asyncio.StreamWriter) -> None:
        how = self._random.choice(["fin", "rst", "half"])
        if how == "half":
            writer.write(ANSWER[: len(ANSWER) // 2])
        elif how == "rst":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
