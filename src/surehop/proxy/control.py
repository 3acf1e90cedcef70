"""The control process: reads the configuration, opens what it names, watches the data process."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from surehop import __version__, _core
from surehop.conf import load
from surehop.conf.model import Model
from surehop.errors import ConfigError, ConfigErrors, StartError
from surehop.plan import Identity, Overrides, Plan, SystemResolver, build, identity
from surehop.proxy.data import DataProcess
from surehop.proxy.files import opened, pid_file

_STOP = {signal.SIGTERM: b"T", signal.SIGINT: b"T", signal.SIGQUIT: b"Q"}
_WATCHED = {*_STOP, signal.SIGCHLD}
# A data process that dies sooner than this after its start is started again after a pause.
_HEALTHY_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    prefix: Path
    configuration: str
    resilience: bool
    overrides: Overrides = field(default_factory=dict)


def plan_of(options: Options) -> tuple[Model, Plan]:
    """The configuration as a plan that the data process has agreed to. Raises ConfigErrors."""
    model = load(options.configuration, prefix=str(options.prefix))
    plan = build(
        model,
        resolve=SystemResolver(options.overrides),
        resilience_default=options.resilience,
        version=__version__,
    )
    _check_regexes(model)
    _core.check_plan(plan.to_json().encode())
    return model, plan


def _check_regexes(model: Model) -> None:
    """PCRE2 judges them where it will run them. Raises ConfigErrors."""
    errors: list[ConfigError] = []
    for regex in model.regexes:
        try:
            _core.check_regex(regex.pattern.encode("utf-8", "surrogateescape"), regex.caseless)
        except ValueError as error:
            errors.append(regex.where.fail(str(error)))
    if errors:
        raise ConfigErrors(errors)


def check(options: Options) -> Plan:
    """Reads and checks the configuration without starting anything. Raises ConfigErrors."""
    return plan_of(options)[1]


def run(options: Options) -> None:
    """Runs the proxy until TERM, INT or QUIT. Raises ConfigErrors and StartError."""
    model, plan = plan_of(options)
    run_as = identity(model.user) if os.geteuid() == 0 else None
    addresses = [listener.address for listener in plan.listeners]
    logs = [log.path for log in plan.files]
    # Blocked here, they wait for sigwait below; the data process unblocks its own.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    with opened(addresses, logs) as descriptors:
        main_log = descriptors[len(addresses) + plan.error_log[0].file] if plan.error_log else 2
        journal = _Journal(main_log)
        for warned in plan.warnings:
            hint = f" (hint: {warned.hint})" if warned.hint else ""
            journal.write("warn", f"{warned.text}{hint}")
        with pid_file(model.absolute(model.pid)):
            _watch(plan.to_json().encode(), descriptors, run_as, journal)


class _Journal:
    """The control process's own lines in the main error log."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, level: str, text: str) -> None:
        now = time.strftime("%Y/%m/%d %H:%M:%S")
        line = f"{now} [{level}] {os.getpid()}#{os.getpid()}: {text}\n"
        os.write(self._descriptor, line.encode(errors="surrogateescape"))


def _watch(
    plan: bytes, descriptors: Sequence[int], run_as: Identity | None, journal: _Journal
) -> None:
    """Starts the data process, starts it again if it dies, and stops it when it is asked to."""
    process = DataProcess.start(plan, descriptors, run_as)
    started = time.monotonic()
    stopping = False
    while True:
        number = signal.sigwait(_WATCHED)
        if number != signal.SIGCHLD:
            stopping = True
            process.tell(_STOP[signal.Signals(number)])
            continue
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid == 0:
            continue
        if stopping:
            return
        how = _ended(status)
        journal.write("alert", f"data process {pid} {how}, a new one takes its place")
        if time.monotonic() - started < _HEALTHY_AFTER:
            _pause_or_stop()
        process.kill()
        process = DataProcess.start(plan, descriptors, run_as)
        started = time.monotonic()


def _pause_or_stop() -> None:
    """Waits a second before a process that dies at once is started again; a stop ends the wait."""
    got = signal.sigtimedwait(set(_STOP), _HEALTHY_AFTER)
    if got is not None:
        _give_up()


def _give_up() -> NoReturn:
    raise StartError("stopped while the data process could not be kept alive")


def _ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exited on signal {-code}" if code < 0 else f"exited with code {code}"
