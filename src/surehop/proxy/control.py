"""The control process: starts, takes signals, reloads, watches the data process, ends."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from surehop import __version__
from surehop.errors import StartError
from surehop.proxy import sockets
from surehop.proxy.data import DataProcess
from surehop.proxy.files import write_pid
from surehop.proxy.journal import Journal
from surehop.proxy.options import Options
from surehop.proxy.setup import Setup, make_setup

_STOP = {signal.SIGTERM: b"T", signal.SIGINT: b"T", signal.SIGQUIT: b"Q"}
_WATCHED = {
    *_STOP,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGCHLD,
}
_OLD_BINARY = ".oldbin"
# A data process that dies sooner than this after its start is started again after a pause.
_HEALTHY_AFTER = 1.0
_PAUSE = 0.25  # short enough to serve again within a second
# Seconds that processes have to end at once when told to; then they are ended, as nginx does.
_ENDS_WITHIN = 2.0


def run(options: Options, early: Journal) -> bool:
    """Runs the proxy until TERM, INT or QUIT. False if it can't start, which has been told."""
    # Blocked here, they wait for sigwaitinfo; the data process unblocks its own.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    handed = sockets.inherited(os.environ, early)
    setup = make_setup(options, handed, early)
    if setup is None:
        return False
    sockets.close({a: s for a, s in handed.items() if a not in setup.sockets}, unlink=False)
    return Control(options, setup, successor=bool(handed)).run()


class Control:
    """The control process at work. `successor`: it took its sockets from an old binary."""

    def __init__(self, options: Options, setup: Setup, *, successor: bool) -> None:
        self._options = options
        self._setup = setup
        self._journal = setup.journal(options.name)
        self._successor_of = os.getppid() if successor else None
        self._process: DataProcess | None = None
        self._started = 0.0
        # Data processes that finish what they have begun.
        self._leaving: dict[int, DataProcess] = {}
        self._new_binary: int | None = None
        self._stopping = False
        self._kill_at: float | None = None

    def run(self) -> bool:
        for warned in self._setup.plan.warnings:
            self._journal.write("warn", warned.text, hint=warned.hint)
        try:
            write_pid(self._setup.pid, os.getpid())
        except StartError as e:
            self._journal.complain(e)
            return False
        try:
            self._tell_of_start()
            self._start()
            while self._process or self._leaving or not self._stopping:
                self._wait()
        except StartError as e:
            self._journal.complain(e)
            return False
        finally:
            self._close()
        return True

    def _tell_of_start(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        system = os.uname()
        for text in (
            'using the "epoll" event method',
            f"surehop/{__version__}",
            f"OS: {system.sysname} {system.release}",
            f"getrlimit(RLIMIT_NOFILE): {soft}:{hard}",
        ):
            self._journal.write("notice", text)

    def _start(self) -> None:
        self._journal.write("notice", "start worker processes")
        setup = self._setup
        self._process = DataProcess.start(
            setup.plan.to_json().encode(), setup.descriptors, setup.terms
        )
        self._started = time.monotonic()
        self._journal.write("notice", f"start worker process {self._process.pid}")

    def _start_again(self) -> None:
        """However often it takes: this plan has run, so what is wrong may pass."""
        while True:
            try:
                return self._start()
            except (OSError, StartError) as e:
                self._journal.write("alert", f"{e}, it is tried again")
                _pause_or_stop()

    def _wait(self) -> None:
        if self._kill_at is None:
            self._take(signal.sigwaitinfo(_WATCHED))
            return
        info = signal.sigtimedwait(_WATCHED, max(0.0, self._kill_at - time.monotonic()))
        if info is not None:
            self._take(info)
            return
        self._kill_at = None
        for process in (self._process, *self._leaving.values()):
            if process:
                self._journal.write("alert", f"data process {process.pid} does not end, killing it")
                process.signal_kill()

    def _take(self, info: signal.struct_siginfo) -> None:
        number = signal.Signals(info.si_signo)
        if number == signal.SIGCHLD:
            self._reap()
            return
        does: dict[signal.Signals, tuple[str, Callable[[], None]]] = {
            signal.SIGTERM: (", exiting", lambda: self._stop(b"T")),
            signal.SIGINT: (", exiting", lambda: self._stop(b"T")),
            signal.SIGQUIT: (", shutting down", lambda: self._stop(b"Q")),
            signal.SIGHUP: (", reconfiguring", self._reload),
            signal.SIGUSR1: (", reopening logs", self._reopen),
            signal.SIGUSR2: (", changing binary", self._change_binary),
            signal.SIGWINCH: (", stop accepting connections", self._rest),
        }
        action, do = does[number]
        if number == signal.SIGWINCH and not info.si_pid:
            return  # a terminal was made larger or smaller
        if number == signal.SIGUSR2 and self._may_not_change():
            action, do = ", ignoring", self._refuse_change
        sender = f" from {info.si_pid}" if info.si_pid else ""
        self._journal.write(
            "notice", f"signal {number.value} ({number.name}) received{sender}{action}"
        )
        if not self._stopping or number in _STOP:
            do()

    def _stop(self, word: bytes) -> None:
        self._stopping = True
        if word == b"T":
            self._kill_at = time.monotonic() + _ENDS_WITHIN
        # Who comes now is refused, unless a new binary listens too.
        sockets.close(self._setup.sockets, unlink=self._new_binary is None)
        for process in (self._process, *self._leaving.values()):
            if process:
                process.tell(word)

    def _reload(self) -> None:
        if self._new_binary is not None:
            # The file is the new binary's; who rests here comes back as it was.
            if self._process is None:
                self._start_again()
            return
        self._journal.write("notice", "reconfiguring")
        new = make_setup(self._options, self._setup.sockets, self._journal)
        if new is None:
            return
        try:
            self._switch(new)
        except StartError as e:
            self._journal.complain(e)
            new.close_logs()
            fresh = {a: s for a, s in new.sockets.items() if a not in self._setup.sockets}
            sockets.close(fresh)

    def _switch(self, new: Setup) -> None:
        old = self._setup
        if new.pid != old.pid:
            write_pid(new.pid, os.getpid())
        for warned in new.plan.warnings:
            self._journal.write("warn", warned.text, hint=warned.hint)
        self._journal.write("notice", 'using the "epoll" event method')
        plan = new.plan.to_json().encode()
        if self._process and new.terms == old.terms:
            self._process.load(plan, new.descriptors)
        else:
            # What a process got at its birth can't be changed: another one takes over.
            process = DataProcess.start(plan, new.descriptors, new.terms)
            self._let_go()
            self._process, self._started = process, time.monotonic()
        self._setup = new
        self._journal = new.journal(self._options.name)
        self._journal.write("notice", "start worker processes")
        old.close_logs()
        sockets.close({a: s for a, s in old.sockets.items() if a not in new.sockets})
        if new.pid != old.pid:
            _remove(old.pid)

    def _let_go(self) -> None:
        """The data process finishes what it has begun."""
        if self._process:
            self._process.tell(b"Q")
            self._leaving[self._process.pid] = self._process
            self._process = None

    def _rest(self) -> None:
        self._let_go()

    def _reopen(self) -> None:
        self._journal.write("notice", "reopening logs")
        setup = self._setup
        try:
            logs = setup.open_logs()
        except StartError as e:
            self._journal.write("emerg", str(e), hint=e.hint)
            return
        old, setup.logs = setup.logs, logs
        self._journal = setup.journal(self._options.name)
        for process in (self._process, *self._leaving.values()):
            if process:
                self._reopen_in(process)
        for descriptor in old:
            os.close(descriptor)

    def _reopen_in(self, process: DataProcess) -> None:
        if process is not self._process:
            return  # it hears nothing but the word to stop
        try:
            process.reopen(self._setup.logs)
        except StartError as e:
            self._journal.complain(e)

    def _may_not_change(self) -> bool:
        """One change at a time: neither beside a new binary nor while the old one is there."""
        return self._new_binary is not None or self._successor_of == os.getppid()

    def _refuse_change(self) -> None:
        self._journal.write(
            "crit",
            "the changing binary signal is ignored: you should shutdown or terminate before either"
            " old or new binary's process",
        )

    def _change_binary(self) -> None:
        self._journal.write("notice", "changing binary")
        pid = self._setup.pid
        try:
            os.rename(pid, pid + _OLD_BINARY)  # noqa: PTH104 (may hold surrogates)
        except OSError as e:
            text = f"rename() {pid} to {pid}{_OLD_BINARY} failed ({e.errno}: {e.strerror})"
            self._journal.write("alert", f"{text} before executing new binary process")
            return
        listening = list(self._setup.sockets.values())
        named = "".join(f"{sock.fileno()};" for sock in listening)
        for sock in listening:
            sock.set_inheritable(True)
        try:
            self._new_binary = os.posix_spawn(
                sys.executable,
                [sys.executable, *sys.orig_argv[1:]],
                {**os.environ, sockets.INHERITED: named},
                setsigmask=(),
            )
        except OSError as e:
            self._journal.write("alert", f"could not start a new binary ({e.errno}: {e.strerror})")
            self._undo_rename()
            return
        finally:
            for sock in listening:
                sock.set_inheritable(False)
        self._journal.write("notice", f"start new binary process {self._new_binary}")

    def _undo_rename(self) -> None:
        pid = self._setup.pid
        try:
            os.rename(pid + _OLD_BINARY, pid)  # noqa: PTH104
        except OSError as e:
            self._journal.write(
                "alert", f"rename() {pid}{_OLD_BINARY} back failed ({e.errno}: {e.strerror})"
            )

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, status)

    def _ended(self, pid: int, status: int) -> None:
        how = _told(status)
        if pid == self._new_binary:
            self._journal.write("notice", f"new binary process {pid} {how}")
            self._new_binary = None
            if not self._stopping:
                self._undo_rename()
                if self._process is None:
                    self._start_again()
        elif pid in self._leaving:
            self._leaving.pop(pid).forget()
            self._journal.write("notice", f"worker process {pid} {how}")
        elif self._process and pid == self._process.pid:
            self._process.forget()
            self._process = None
            if self._stopping:
                self._journal.write("notice", f"worker process {pid} {how}")
                return
            self._journal.write("alert", f"data process {pid} {how}, a new one takes its place")
            if time.monotonic() - self._started < _HEALTHY_AFTER:
                _pause_or_stop()
            self._start_again()

    def _close(self) -> None:
        if self._process:
            self._process.kill()
        for process in self._leaving.values():
            process.kill()
        others = self._new_binary is not None
        sockets.close(self._setup.sockets, unlink=not others)
        _remove(self._setup.pid + (_OLD_BINARY if others else ""))
        self._journal.write("notice", "exit")
        self._setup.close_logs()


def _remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108 (may hold surrogates)
    except OSError:
        return


def _pause_or_stop() -> None:
    """Waits a moment before a process that dies at once is started again; a stop ends the wait."""
    got = signal.sigtimedwait(set(_STOP), _PAUSE)
    if got is not None:
        _give_up()


def _give_up() -> NoReturn:
    raise StartError("stopped while the data process could not be kept alive")


def _told(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exited on signal {-code}" if code < 0 else f"exited with code {code}"
