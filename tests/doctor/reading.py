"""What the doctor says of a text."""

from collections.abc import Mapping
from pathlib import Path

from captures import capture

from surehop.doctor import Names, Options, Report, examine, parse_version
from surehop.doctor.about import Example
from surehop.plan.resolving import parse_overrides

BOTH = {"localhost": "127.0.0.1,[::1]"}


def options(names: Mapping[str, str] | None = None, version: str | None = None) -> Options:
    """Nobody is asked for names but those who are told."""
    told = parse_overrides(f"{name}={addresses}" for name, addresses in (names or {}).items())
    return Options(Names(told, {}, ask=False), parse_version(version) if version else None)


def report(
    folder: Path,
    text: str | bytes,
    names: Mapping[str, str] | None = None,
    *,
    version: str | None = None,
    file: str = "nginx.conf",
) -> Report:
    path = folder / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return examine([str(path)], options(names, version))


FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "error log": "error.log"}
LOG = "log"


def read(folder: Path, text: str, example: Example) -> Report:
    file = FILES.get(example.kind, LOG)
    raw = capture(text) if example.kind == "capture" else text.encode()
    return report(folder, raw, example.names, version=example.version, file=file)


def ids(told: Report) -> list[str]:
    return [finding.id for finding in told.findings]
