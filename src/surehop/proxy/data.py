"""The data process as its control process sees it: forked, stripped of privileges, fed a plan."""

import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surehop import _core
from surehop.errors import StartError
from surehop.plan.identity import Identity
from surehop.proxy.privileges import drop_privileges

_PAST_ALL_FILES = 1 << 20
_BATCH = 200  # descriptors in one message; the kernel takes 253
_ANSWER_WITHIN = 30.0  # seconds that the data process has to take over a plan
_LOOKS_EVERY = 0.1
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
# The control process takes these for both; the data process is told over the socket.
_NOT_FOR_DATA = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a data process gets at its birth and keeps: `environment` is all that it sees."""

    run_as: Identity | None
    environment: Mapping[str, str]
    open_files: int | None


class DataProcess:
    """One data process: the workers run in it."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control
        self._asked = 0

    @classmethod
    def start(cls, plan: bytes, descriptors: Sequence[int], terms: Terms) -> "DataProcess":
        """Forks a data process that runs `plan`. Raises StartError if it can't."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_data_process(theirs, terms)
        theirs.close()
        process = cls(pid, ours)
        try:
            process.load(plan, descriptors)
        except StartError:
            process.kill()
            raise
        return process

    def load(self, plan: bytes, descriptors: Sequence[int]) -> None:
        """Hands a plan over, with its listeners and logs. Raises StartError: the old goes on."""
        try:
            self._pass_on(descriptors)
            self._pass_plan(self._question(b"P"), plan)
        except OSError as e:
            raise StartError(f"the data process can't be told: {e.strerror}") from e
        self._await("the data process could not start")

    def reopen(self, descriptors: Sequence[int]) -> None:
        """Hands log files over that were opened anew. Raises StartError."""
        try:
            self._pass_on(descriptors)
            self._control.send(self._question(b"L"))
        except OSError as e:
            raise StartError(f"the data process can't be told: {e.strerror}") from e
        self._await("the data process could not reopen its logs")

    def _pass_on(self, descriptors: Sequence[int]) -> None:
        for first in range(0, len(descriptors), _BATCH):
            socket.send_fds(self._control, [b"F"], list(descriptors[first : first + _BATCH]))

    def _question(self, letter: bytes) -> bytes:
        self._asked += 1
        return letter + b"%d" % self._asked

    def _pass_plan(self, question: bytes, plan: bytes) -> None:
        file = os.memfd_create("plan", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(file), "wb") as out:
                out.write(plan)
            socket.send_fds(self._control, [question], [file])
        finally:
            os.close(file)

    def _await(self, what: str) -> None:
        text = self._answer()
        if text != "ok":
            raise StartError(f"{what}: {text}")

    def _answer(self) -> str:
        """What it says to the last question; answers to earlier ones came too late."""
        deadline = time.monotonic() + _ANSWER_WITHIN
        while True:
            ready, _, _ = select.select([self._control], [], [], _LOOKS_EVERY)
            if not ready:
                if time.monotonic() >= deadline:
                    return "it does not answer"
                # They are held back until they are waited for; a stop must not wait that long.
                if _STOPS & signal.sigpending():
                    return "it did not answer before the stop"
                continue
            try:
                answer = self._control.recv(65536)
            except OSError:
                answer = b""
            name, _, text = answer.decode(errors="replace").partition(" ")
            if not text:
                return "it ended"
            if name == str(self._asked):
                return text

    def tell(self, word: bytes) -> None:
        """Says `T` (stop at once) or `Q` (answer what is under way, then stop)."""
        try:
            self._control.send(word)
        except OSError:
            return  # it is gone already: what was asked for

    def signal_kill(self) -> None:
        """Ends it whatever it does; SIGCHLD tells when it has ended."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def forget(self) -> None:
        """It has ended: nobody will be told anything any more."""
        self._control.close()

    def kill(self) -> None:
        """Ends it whatever it does, and waits until it has ended."""
        self._control.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return


def _be_data_process(control: socket.socket, terms: Terms) -> None:
    """Never returns: this process has no business in the caller's code."""
    status = 1
    try:
        for number in _NOT_FOR_DATA:
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # What it may use is passed on; a listener that it kept by accident could never be closed.
        os.closerange(3, control.fileno())
        os.closerange(control.fileno() + 1, _PAST_ALL_FILES)
        os.environ.clear()
        os.environ.update(terms.environment)
        _limit_files(terms.open_files)
        drop_privileges(terms.run_as)
        _core.serve(control.fileno())
        status = 0
    except BaseException as e:  # noqa: BLE001 (whatever it is, it must not go on as the control process)
        print(f"surehop: [alert] the data process ends: {e}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _limit_files(count: int | None) -> None:
    if count is None:
        # All workers share what nginx's have each, so the process takes what it may.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    except (OSError, ValueError) as e:
        text = f"setrlimit(RLIMIT_NOFILE, {count}) failed ({e})"
        print(f"surehop: [alert] {text}", file=sys.stderr, flush=True)
