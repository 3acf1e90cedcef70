"""One configuration with all that is open for it."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surehop.conf.model import Model
from surehop.errors import SurehopError
from surehop.plan.data import Plan
from surehop.plan.identity import identity
from surehop.proxy.data import Terms
from surehop.proxy.files import make_folders, open_logs
from surehop.proxy.journal import Journal, Sink
from surehop.proxy.options import Options, model_of, plan_of
from surehop.proxy.sockets import Sockets, open_sockets

_ALWAYS_PASSED = "TZ"


@dataclass(slots=True)
class Setup:
    """`logs` are descriptors in the plan's order; `sockets` by address, in its order too."""

    model: Model
    plan: Plan
    terms: Terms
    sockets: Sockets
    logs: list[int]

    @property
    def descriptors(self) -> list[int]:
        return [sock.fileno() for sock in self.sockets.values()] + self.logs

    @property
    def pid(self) -> str:
        return self.model.absolute(self.model.pid)

    def journal(self, name: str) -> Journal:
        """The main error log, as the configuration has it."""
        return _journal(self.plan, self.logs, name)

    def open_logs(self) -> list[int]:
        return open_logs(self.plan.files)

    def close_logs(self) -> None:
        for descriptor in self.logs:
            os.close(descriptor)


def make_setup(
    options: Options, have: Mapping[str, socket.socket], journal: Journal
) -> Setup | None:
    """Reads the configuration and opens what it names. None if it can't be: that has been told.

    Until its own error log is open, `journal` is told.
    """
    try:
        model = model_of(options)
        plan = plan_of(options, model)
        run_as = identity(model.user) if os.geteuid() == 0 else None
        make_folders([temp.path for temp in plan.temp_paths], run_as.uid if run_as else None)
        logs = open_logs(plan.files)
    except SurehopError as e:
        journal.complain(e)
        return None
    own = _journal(plan, logs, options.name)
    try:
        sockets = open_sockets(dict(plan.sockets), have, own)
    except SurehopError as e:
        own.complain(e)
        for descriptor in logs:
            os.close(descriptor)
        return None
    return Setup(model, plan, Terms(run_as, _environment(model), model.open_files), sockets, logs)


def _journal(plan: Plan, logs: Sequence[int], name: str) -> Journal:
    sinks = [
        Sink(
            logs[log.file],
            log.level,
            stderr=plan.files[log.file].path == "stderr",
            syslog=plan.files[log.file].syslog,
        )
        for log in plan.error_log
    ]
    return Journal(sinks, name=name)


def _environment(model: Model) -> dict[str, str]:
    """As nginx: TZ and what `env` names, with the value that it says or the one that is there."""
    found = {}
    for word in (_ALWAYS_PASSED, *model.environment):
        name, said, value = word.partition("=")
        if said:
            found[name] = value
        elif name in os.environ:
            found.setdefault(name, os.environ[name])
    return found
