"""What gunicorn runs for test_forked.py: a client that is made and used before the fork.

ORIGIN is the server that is asked; in LOG each process tells what came of it, a line each.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import surehop

ORIGIN = os.environ["ORIGIN"]
LOG = Path(os.environ["LOG"])
bind = "127.0.0.1:0"
preload_app = True
workers = 2
client = surehop.Client()


def ask(who: str) -> None:
    answer = client.get(ORIGIN, headers={"X-Request-Id": f"{who}-{os.getpid()}"})
    with LOG.open("a") as log:
        log.write(f"{who} {os.getpid()} {answer.status_code}\n")


ask("master")


def application(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    ask("worker")
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


def child_exit(server: object, worker: object) -> None:
    """gunicorn calls it in the master."""
    ask("master")
