"""A real Node server, in a process of its own."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from missing import missing

SCRIPT = Path(__file__).with_name("node_server.mjs")
OLDEST = 18


@dataclass(frozen=True)
class Seen:
    """What has come so far; `dropped` connections were above `maxConnections`."""

    connections: int
    requests: int
    dropped: int
    open: int


class Node:
    """Keywords are fields of Node's `http.Server`; times in ms.

    hold: how long an answer waits. silent: no `Keep-Alive: timeout=…`.
    """

    def __init__(self, **settings: Any) -> None:
        program = shutil.which("node") or missing("Node (apt-get install nodejs)")
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        major = re.match(r"v(\d+)", version.stdout)
        if not major or int(major[1]) < OLDEST:
            missing(f"Node {OLDEST} or later (node is {version.stdout.strip()})")
        self._command = [program, str(SCRIPT), json.dumps(settings)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True)
        self.url = f"http://127.0.0.1:{int(self._line())}/"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].rstrip("/"))

    def seen(self) -> Seen:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Seen(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()
