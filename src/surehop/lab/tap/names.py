"""Names are asked for beside the loop, and every answer is used for a second."""

import errno
import queue
import socket
import threading
from collections.abc import Callable

from surehop.lab.tap.address import Address, Place, addresses_of, is_literal

_FRESH = 1.0
Answer = list[Address] | OSError


class Names:
    """Gives the addresses of one place; `wake` is called, in another thread, when some came."""

    def __init__(self, place: Place, wake: Callable[[], None]) -> None:
        self._place = place
        self._wake = wake
        self._literal = addresses_of(place) if is_literal(place) else None
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._asked = False
        self._answer: tuple[float, Answer] | None = None
        self._waiting: list[Callable[[Answer], None]] = []

    def ask(self, now: float, done: Callable[[Answer], None]) -> None:
        """Calls `done` at once where the answer is known, else from `deliver`."""
        if self._literal:
            done(self._literal)
        elif self._answer and now - self._answer[0] < _FRESH:
            done(self._answer[1])
        else:
            self._waiting.append(done)
            if not self._asked:
                self._asked = True
                # A daemon: a question that the system does not answer holds nobody up.
                threading.Thread(target=self._look_up, name="names", daemon=True).start()

    def deliver(self, now: float) -> None:
        """Hand a new answer to all who wait; called in the loop's thread."""
        try:
            answer = self._answers.get_nowait()
        except queue.Empty:
            return
        self._asked, self._answer = False, (now, answer)
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(answer)

    def _look_up(self) -> None:
        try:
            answer: Answer = addresses_of(self._place)
        except OSError as error:
            answer = error
        self._answers.put(answer)
        self._wake()


def why(error: OSError) -> str:
    """The system's name of an error: `ECONNREFUSED`, `EAI_NONAME`."""
    if isinstance(error, socket.gaierror):
        names = (name for name in dir(socket) if name.startswith("EAI_"))
        return next((n for n in names if getattr(socket, n) == error.errno), str(error))
    return errno_name(error.errno or 0)


def errno_name(number: int) -> str:
    return errno.errorcode.get(number, f"errno {number}")
