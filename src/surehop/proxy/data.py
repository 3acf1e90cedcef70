"""The data process as its control process sees it: forked, stripped of privileges, fed a plan."""

import ctypes
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence

from surehop import _core
from surehop.errors import StartError
from surehop.plan import Identity

_BATCH = 200  # descriptors in one message; the kernel takes 253
_ANSWER_WITHIN = 30.0  # seconds that the data process has to take over a plan
_PR_SET_NO_NEW_PRIVS = 38
# The control process takes these for both; the data process is told over the socket.
_NOT_FOR_DATA = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)


class DataProcess:
    """One data process: the workers run in it."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control

    @classmethod
    def start(
        cls, plan: bytes, descriptors: Sequence[int], run_as: Identity | None
    ) -> "DataProcess":
        """Forks a data process that runs `plan`. Raises StartError if it can't."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_data_process(theirs, run_as)
        theirs.close()
        process = cls(pid, ours)
        try:
            process._send(plan, descriptors)
        except (OSError, StartError):
            process.kill()
            raise
        return process

    def _send(self, plan: bytes, descriptors: Sequence[int]) -> None:
        for first in range(0, len(descriptors), _BATCH):
            socket.send_fds(self._control, [b"F"], list(descriptors[first : first + _BATCH]))
        file = os.memfd_create("plan", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(file), "wb") as out:
                out.write(plan)
            socket.send_fds(self._control, [b"P"], [file])
        finally:
            os.close(file)
        ready, _, _ = select.select([self._control], [], [], _ANSWER_WITHIN)
        answer = self._control.recv(65536) if ready else b"error: it does not answer"
        if answer != b"ok":
            text = answer.decode(errors="replace").removeprefix("error: ") or "it ended"
            raise StartError(f"the data process could not start: {text}")

    def tell(self, word: bytes) -> None:
        """Says `T` (stop at once) or `Q` (answer what is under way, then stop)."""
        try:
            self._control.send(word)
        except OSError:
            return  # it is gone already: what was asked for

    def forget(self) -> None:
        """It has ended and was waited for: its number may be somebody else's by now."""
        self._control.close()

    def kill(self) -> None:
        """Ends it whatever it does, and waits until it has ended."""
        self._control.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return


def _be_data_process(control: socket.socket, run_as: Identity | None) -> None:
    """Never returns: this process has no business in the caller's code."""
    status = 1
    try:
        for number in _NOT_FOR_DATA:
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _drop_privileges(run_as)
        _core.serve(control.fileno())
        status = 0
    except BaseException as e:  # noqa: BLE001 (whatever it is, it must not go on as the control process)
        print(f"surehop: [alert] the data process ends: {e}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _drop_privileges(run_as: Identity | None) -> None:
    if run_as is not None:
        os.initgroups(run_as.name, run_as.gid)
        os.setgid(run_as.gid)
        os.setuid(run_as.uid)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
