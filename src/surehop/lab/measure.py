"""Clients that measure: requests at a steady pace, and what became of each."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

DIED = 0
_FAILED = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `at`: seconds since the start, `took`: seconds, `status`: 0 is none at all."""

    at: float
    took: float
    status: int

    @property
    def failed(self) -> bool:
        return self.status == DIED or self.status >= _FAILED


class Client:
    """A kept-alive connection to 127.0.0.1, opened anew when the server closed it."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """The status of the answer, or `DIED`. Nothing is ever sent twice."""
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return DIED
        return response.status


def ask_steadily(
    port: int,
    *,
    every: float,
    seconds: float,
    method: str = "GET",
    path: str = "/",
    body: bytes | None = None,
    told: Callable[[Answer], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> list[Answer]:
    """One request every so many seconds, on one kept-alive connection, for some time.

    A slow answer delays those after it: the client is one user, who waits. `told` hears of each.
    """
    answers: list[Answer] = []
    ended = stop or threading.Event()
    start = time.monotonic()
    with Client(port) as client:
        for number in itertools.count():
            due = start + number * every
            if due >= start + seconds or ended.wait(max(0.0, due - time.monotonic())):
                break
            sent = time.monotonic()
            status = client.ask(method, path, body)
            answer = Answer(sent - start, time.monotonic() - sent, status)
            answers.append(answer)
            told(answer)
    return answers


class Load:
    """Clients that ask as long as the block lasts, each on a thread and connection of its own."""

    def __init__(
        self, port: int, *, clients: int = 4, every: float = 0.01, path: str = "/"
    ) -> None:
        self._answers: list[list[Answer]] = [[] for _ in range(clients)]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=ask_steadily,
                args=(port,),
                kwargs={
                    "every": every,
                    "seconds": float("inf"),
                    "path": path,
                    "told": answers.append,
                    "stop": self._stop,
                },
                daemon=True,
            )
            for answers in self._answers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def answers(self) -> list[Answer]:
        """All so far, in the order they were sent."""
        return sorted(itertools.chain(*self._answers), key=lambda answer: answer.at)

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.failed]
