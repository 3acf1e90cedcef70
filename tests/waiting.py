"""Waiting for what another process or thread does, as long as it takes and no longer."""

import time
from collections.abc import Callable

PATIENCE = 10.0


def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)  # leaves the processor to whom it waits for
