"""Names of two families without touching the system: a /etc/hosts of a program's own."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from surehop.lab.clients import Client
from surehop.lab.subjects import Program

# Who is root in a namespace of its own only must not stay it: programs would try to become another.
_BIND = 'mount --bind "$0" /etc/hosts && exec "$@"'
_ROOT = ("unshare", "--mount", "--", "sh", "-c", _BIND)
_USER = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--",
    "sh",
    "-c",
    'mount --bind "$0" /etc/hosts && exec unshare --user --map-user=65534 -- "$@"',
)
_PATIENCE = 10.0
HINT = "run it as root, or allow user namespaces"
_Runs = TypeVar("_Runs", Program, Client)


@contextmanager
def own_hosts(names: Mapping[str, Sequence[str]]) -> Iterator[Path]:
    """A /etc/hosts that everybody can read, for a while; `write_hosts` changes it."""
    with tempfile.TemporaryDirectory(prefix="surehop-hosts-") as folder:
        Path(folder).chmod(0o755)
        hosts = Path(folder, "hosts")
        write_hosts(hosts, names)
        yield hosts


def write_hosts(path: Path, names: Mapping[str, Sequence[str]]) -> None:
    """The system's own lines, less those of these names, and these names' addresses."""
    kept = [
        line
        for line in Path("/etc/hosts").read_text("utf-8").splitlines()
        if not set(line.partition("#")[0].split()[1:]) & set(names)
    ]
    own = [f"{one.strip('[]')} {name}" for name, some in names.items() for one in some]
    path.write_text("\n".join([*kept, *own, ""]), "utf-8")


def with_hosts(program: _Runs, hosts: Path) -> _Runs:
    """A program as it runs where these are its /etc/hosts; `why_not` says whether that works."""
    return replace(program, argv=(*_way(), str(hosts.absolute()), *program.argv))


@cache
def why_not() -> str:
    """Why a program can't be given a /etc/hosts of its own here; empty if it can."""
    try:
        done = subprocess.run(
            [*_way(), "/etc/hosts", "true"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except OSError as error:
        return f"`unshare` can't be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "`unshare` does not end"
    if done.returncode:
        return f"no mount namespace: {done.stderr.strip() or f'exit code {done.returncode}'}"
    return ""


def _way() -> tuple[str, ...]:
    return _USER if os.geteuid() else _ROOT
