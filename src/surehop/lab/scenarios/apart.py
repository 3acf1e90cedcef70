"""A run in a network namespace of its own, where what the kernel does changes for nobody else."""

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from surehop.lab.report.data import Report
from surehop.lab.scenarios.frame import Silent

if TYPE_CHECKING:
    from surehop.lab.scenarios.running import Asked

_PATIENCE = 10.0
_CHILD = (sys.executable, "-P", "-m", "surehop.lab.scenarios.inside")


@cache
def why_not() -> str:
    """Why there is no such namespace here; empty if there is."""
    try:
        done = subprocess.run(
            [*_way(), "true"], capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except OSError as error:
        return f"`unshare` can't be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "`unshare` does not end"
    if done.returncode:
        return f"no network namespace: {done.stderr.strip() or f'exit code {done.returncode}'}"
    return ""


def perform_apart(name: str, asked: "Asked") -> Report:
    """Run the scenario of this name there. Ctrl-C ends it there, and its report is whole."""
    with subprocess.Popen(
        [*_way(), *_CHILD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as child:
        try:
            if child.stdin is None or child.stdout is None:
                raise RuntimeError("no pipes")
            child.stdin.write(pickle.dumps(replace(asked, bar=Silent())))
            child.stdin.close()
            while True:
                try:
                    kind, *told = pickle.load(child.stdout)  # noqa: S301  a process of our own
                    if kind == "begin":
                        asked.bar.begin(*told)
                    elif kind == "step":
                        asked.bar.step(*told)
                    elif kind == "report":
                        report: Report = told[0]
                        return report
                    else:
                        raise told[0]
                except KeyboardInterrupt:
                    child.send_signal(signal.SIGINT)
        except EOFError:
            raise RuntimeError("the run ended early; its stderr says why") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def _way() -> tuple[str, ...]:
    own = ("--user", "--map-root-user") if os.geteuid() else ()
    return ("unshare", *own, "--net", "--")
