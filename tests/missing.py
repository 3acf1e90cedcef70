"""What a test says when a program that it compares with is not there."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip, or fail under REQUIRE_PEERS=1."""
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(f"missing: {what}, and REQUIRE_PEERS=1 says that it is here")
    pytest.skip(f"missing: {what}")
