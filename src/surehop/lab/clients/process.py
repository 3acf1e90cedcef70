"""A client in a process of its own, while a block lasts."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from surehop.lab.clients.catalogue import Client, ClientError
from surehop.lab.clients.lanes import Lane, Outcome, read_outcome

_READY = 60.0
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class ClientProcess:
    """Start it, wait until it is `ready`, `begin` the lanes, and `take` what comes."""

    def __init__(self, client: Client, log: Path | None = None) -> None:
        """log: a file for what it says of failures, as an application's log would have it."""
        self.client = client
        self._log = log
        self.version = ""
        self.done = False
        self._rest = b""

    def __enter__(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if k not in _PROXIES}
        self._errors = self._log.open("a+b") if self._log else tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self.client.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment | dict(self.client.environment),
            start_new_session=True,  # Ctrl-C is for who runs the scenario
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # It may have children of its own (curl).
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self._process.wait()
        self._errors.close()

    def fileno(self) -> int:
        if not self._process.stdout:
            raise ClientError("no pipe")
        return self._process.stdout.fileno()

    def ready(self) -> None:
        """Wait until it runs; ClientError if it does not."""
        deadline = time.monotonic() + _READY
        while not self.version:
            if not select.select([self], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ClientError(f"{self.client.name} was not ready in {_READY:.0f} s")
            for line in self._lines():
                self.version = str(line["version"])

    def begin(self, lanes: Sequence[Lane], prefix: str) -> None:
        """Give it what to ask; ids begin with the prefix and the lane's number."""
        told = [
            {**asdict(lane), "prefix": f"{prefix}-{number}"} for number, lane in enumerate(lanes)
        ]
        if self._process.stdin:
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.flush()

    def take(self) -> list[Outcome]:
        """What has come; call it when its pipe is readable. ClientError if it ended early."""
        found = []
        for line in self._lines():
            if "done" in line:
                self.done = True
                self._process.wait(_READY)  # its connections are closed then
            else:
                found.append(read_outcome(line))
        return found

    def freeze(self) -> None:
        """Stop it, as a machine that sleeps or a function between two calls."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def _lines(self) -> Iterator[dict[str, Any]]:
        piece = os.read(self.fileno(), 65536)
        if not piece:
            self._errors.seek(0)
            told = self._errors.read().decode("utf-8", "replace").strip()
            raise ClientError(f"{self.client.name} ended early: {told or 'it said nothing'}")
        *lines, self._rest = (self._rest + piece).split(b"\n")
        yield from map(json.loads, lines)
