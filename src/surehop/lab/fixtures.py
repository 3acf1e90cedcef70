"""Fixtures of pytest's: origins that fail on purpose, for tests of other people's programs.

pytest imports this wherever Surehop is installed, so the lab is imported when a test asks for it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from surehop.lab.origins import Fault, Origin
    from surehop.lab.tap import Tap

_MARKER = (
    "origin(**behaviour): what the fixture `origin` is: `profile`, `keepalive_timeout` and all "
    "that `surehop lab origin --help` names, with underscores"
)


class Injected:
    """A fault that an origin has until it is taken back, or until the end of a block."""

    def __init__(self, origin: "Origin", fault: "Fault") -> None:
        self.fault = fault
        self._origin = origin
        origin.set(faults=[*origin.behaviour.faults, fault])

    def remove(self) -> None:
        """Take it back; what it did is done."""
        kept = [fault for fault in self._origin.behaviour.faults if fault is not self.fault]
        self._origin.set(faults=kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(name="make_origin")
def make_origin() -> "Iterator[Callable[..., Origin]]":
    """`make_origin(profile="node20", …)`: as many origins as a test needs; they end with it."""
    from surehop.lab.origins import Origin  # noqa: PLC0415 (see above)

    with ExitStack() as stack:

        def make(**options: Any) -> "Origin":
            return stack.enter_context(Origin(**options))

        yield make


@pytest.fixture(name="origin")
def origin(request: pytest.FixtureRequest, make_origin: "Callable[..., Origin]") -> "Origin":
    """An HTTP server on 127.0.0.1, fresh for the test; `@pytest.mark.origin(…)` says what it is."""
    marker = request.node.get_closest_marker("origin")
    return make_origin(**(marker.kwargs if marker else {}))


@pytest.fixture(name="fault")
def fault(origin: "Origin") -> Callable[..., Injected]:
    """`fault("rst", nth=2)`: what `origin` does from now on; the options are those of `Fault`.

    What it returns may stand in a `with`, behind which the fault is gone.
    """

    from surehop.lab.origins import Fault  # noqa: PLC0415 (see above)

    def inject(kind: str, **options: Any) -> Injected:
        return Injected(origin, Fault(kind, **options))

    return inject


@pytest.fixture(name="make_tap")
def make_tap() -> "Iterator[Callable[[str], Tap]]":
    """`make_tap("localhost:3000")`: as many as a test needs, before any server."""
    from surehop.lab.tap import Tap  # noqa: PLC0415 (see above)

    with ExitStack() as stack:

        def make(upstream: str) -> Tap:
            return stack.enter_context(Tap(upstream))

        yield make


@pytest.fixture(name="tap")
def tap(origin: "Origin", make_tap: "Callable[[str], Tap]") -> "Tap":
    """A relay before `origin`, which records who closed what, how, and on which request."""
    return make_tap(origin.url.removeprefix("http://"))
