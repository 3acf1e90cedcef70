"""`-t` and `-T`: the configuration is checked, and what it names opened, without starting."""

import os
from dataclasses import dataclass
from pathlib import Path

from surehop.conf.model import Model
from surehop.plan.data import Plan
from surehop.plan.identity import identity
from surehop.proxy.files import check_pid, make_folders, open_logs
from surehop.proxy.options import Options, model_of, plan_of
from surehop.proxy.sockets import check_sockets


@dataclass(frozen=True, slots=True)
class Checked:
    """`sources`: every file that was read, with its text, in order."""

    model: Model
    plan: Plan
    sources: tuple[tuple[str, bytes], ...]


def check(options: Options) -> Checked:
    """Reads and checks the configuration. Raises ConfigErrors."""
    sources: dict[str, bytes] = {}

    def read(file: str) -> bytes:
        raw = Path(file).read_bytes()
        sources.setdefault(file, raw)
        return raw

    model = model_of(options, read_file=read)
    if os.geteuid() == 0:
        identity(model.user)
    return Checked(model, plan_of(options, model), tuple(sources.items()))


def check_system(checked: Checked) -> None:
    """Whether its folders, logs, pid file and addresses can be opened. Raises StartError."""
    owner = identity(checked.model.user).uid if os.geteuid() == 0 else None
    make_folders([temp.path for temp in checked.plan.temp_paths], owner)
    for descriptor in open_logs(checked.plan.files):
        os.close(descriptor)
    check_pid(checked.model.absolute(checked.model.pid))
    check_sockets(dict(checked.plan.sockets))
