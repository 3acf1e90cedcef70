"""What tests of all rooms share: an origin, and the programs to compare with."""

import os
from collections.abc import Iterator

import pytest

from surehop.lab.origins import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    """An origin on 127.0.0.1 alone, fresh for the test."""
    with Origin() as running:
        yield running


def missing_peer(what: str) -> None:
    """Skip for want of a program, or fail where all of them were promised."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"{what} is missing, and REQUIRE_PEERS=1 says it is not")
    pytest.skip(f"{what} is missing")
