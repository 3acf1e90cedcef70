"""The doctor on what a run left behind: is its first finding the fault that was injected?"""

import ipaddress
from collections.abc import Collection, Iterator
from pathlib import Path

from surehop import doctor
from surehop.errors import OptionError
from surehop.lab.report.data import Verdict
from surehop.lab.scenarios.frame import Stage

_WIRE = "the wire"
_EMPTY = "empty file"
_FLAGGED = "SH031"  # HAProxy itself says in its log how a session ended


def judge(stage: Stage, expected: Collection[str]) -> Iterator[Verdict]:
    """A verdict on each subject that left something, and one on the packets."""
    names = doctor.Names(
        {name: tuple(map(ipaddress.ip_address, some)) for name, some in stage.names.items()},
        {},
        ask=False,
    )
    versions = {front.name: front.program.version for front in stage.fronts}
    for name, some in stage.records().items():
        version = versions.get(name) if name == "nginx" else None
        options = doctor.Options(names, doctor.parse_version(version) if version else None)
        harmed = any(record.failed for record in some)
        wanted = {*expected, _FLAGGED} if expected and name.startswith("haproxy") else expected
        yield from _verdict(name, [stage.folder / name], options, wanted, harmed=harmed)
    options = doctor.Options(names)
    yield from _verdict(_WIRE, stage.watch.files, options, expected, harmed=False)


def _verdict(
    name: str,
    left: list[Path],
    options: doctor.Options,
    expected: Collection[str],
    *,
    harmed: bool,
) -> Iterator[Verdict]:
    targets = [str(path) for path in left if path.exists()]
    if not targets:
        return
    try:
        report = doctor.examine(targets, options)
    except OptionError:  # nothing of it is of a kind that the doctor reads
        return
    read = tuple(dict.fromkeys(str(one.kind) for one in report.targets if one.kind != _EMPTY))
    if not read:
        return
    if not report.findings:
        yield Verdict(name, read, right=False if harmed and expected else None)
        return
    first = report.findings[0]
    yield Verdict(
        name,
        read,
        first.id,
        first.name,
        first.title,
        first.advice,
        right=first.id in expected if expected else None,
    )
