"""A scenario from beginning to end: who takes part, the run, its report."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from surehop.lab.clients import CLIENTS, Client, find_clients
from surehop.lab.programs import Found
from surehop.lab.report.data import Report, Skipped
from surehop.lab.scenarios import apart, names
from surehop.lab.scenarios.frame import Bar, Scenario, Silent, Stage
from surehop.lab.scenarios.fronts import Front, find_fronts
from surehop.lab.scenarios.judging import judge
from surehop.lab.scenarios.telling_wire import tell_wire

_ORDINARY = shutil.ignore_patterns("*_temp", "*.pid")  # what any proxy leaves


class UnknownSubjectError(Exception):
    """A subject was named that there is not, or not for this scenario."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for. subjects: all that are found, if none is named. evidence: a folder
    in which packets, logs and configurations are kept.
    """

    subjects: Sequence[str] = ()
    scale: float = 1.0
    inject: bool = True
    node_modules: Path | None = None
    nginx: str | None = None
    haproxy: str | None = None
    evidence: Path | None = None
    bar: Bar = field(default_factory=Silent)


def perform(scenario: Scenario, asked: Asked) -> Report:
    """Run it and tell of it. Ctrl-C ends the run, and the report says so and is whole otherwise."""
    if scenario.apart and not apart.why_not():
        return apart.perform_apart(scenario.name, asked)
    return perform_here(scenario, asked)


def perform_here(scenario: Scenario, asked: Asked) -> Report:
    """Run it in this process's namespaces; one that needs its own is skipped where it has none."""
    report = Report(
        scenario.name,
        scenario.title,
        scenario.story,
        {
            "scale": f"{asked.scale:g}",
            "subjects": ", ".join(asked.subjects) or "all that are found",
            "fault": "injected" if asked.inject else "left out, to compare",
        },
        started=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    )
    subjects = _subjects(scenario, asked, report)
    with tempfile.TemporaryDirectory(prefix="surehop-run-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # workers of proxies are other users
        _play(scenario, asked, subjects, report, folder)
        if asked.evidence:
            shutil.copytree(folder, asked.evidence, dirs_exist_ok=True, ignore=_ORDINARY)
    return report


def _play(
    scenario: Scenario,
    asked: Asked,
    subjects: Sequence[Client | Front],
    report: Report,
    folder: Path,
) -> None:
    stage = Stage(
        report,
        folder,
        clients=[one for one in subjects if isinstance(one, Client)],
        fronts=[one for one in subjects if isinstance(one, Front)],
        scale=asked.scale,
        inject=asked.inject,
        bar=asked.bar,
    )
    began = time.monotonic()
    try:
        if subjects:  # without any, nothing is touched: an `apart` one is not apart here
            scenario.run(stage)
    except KeyboardInterrupt:
        report.partial = f"ended by Ctrl-C after {time.monotonic() - began:.1f} s"
    finally:
        stage.watch.stop()
    report.seconds = round(time.monotonic() - began, 1)
    scenario.tell(stage)
    tell_wire(stage)
    report.expected = scenario.expects
    report.verdicts += judge(stage, scenario.expects)
    report.requests = [r.told() for some in stage.records().values() for r in some]


def _subjects(scenario: Scenario, asked: Asked, report: Report) -> list[Client | Front]:
    known = scenario.only or tuple(CLIENTS)
    for name in asked.subjects:
        if name not in known:
            raise UnknownSubjectError(
                f"`{name}` is no subject of `{scenario.name}`\nhint: one of {', '.join(known)}"
            )
    found: dict[str, Client | Front | Found] = {}
    if set(known) & set(CLIENTS):
        found |= find_clients(asked.node_modules)
    if set(known) - set(CLIENTS):
        found |= find_fronts(asked.nginx, asked.haproxy)
    here: list[Client | Front] = []
    for name in known:
        if asked.subjects and name not in asked.subjects:
            continue
        one = found[name]
        if isinstance(one, Found):
            report.skipped.append(Skipped(name, f"`{one.name}` is not here", one.add))
        elif scenario.apart and apart.why_not():
            report.skipped.append(Skipped(name, apart.why_not(), names.HINT))
        else:
            here.append(one)
    return here
