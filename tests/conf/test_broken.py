"""What nginx refuses is refused in its words; what it takes is taken."""

from collections.abc import Sequence

import pytest
from broken_files import BROKEN, ODD, Broken, whole

from surehop.conf.loading import loads
from surehop.errors import ConfigError, ConfigErrors
from surehop.plan.building import build
from surehop.plan.resolving import IPAddress


def nowhere(_name: str) -> Sequence[IPAddress]:
    return ()


def first_error(text: str) -> ConfigError | None:
    """Read and plan `text`; give what nginx would have said."""
    try:
        model = loads(text.encode(), file="/etc/nginx.conf", prefix="/srv", privileged=True)
        build(model, resolve=nowhere, resilience_default=True, version="0", cpus=1)
    except ConfigErrors as errors:
        return errors.errors[0]
    return None


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.snippet[:60])
def test_nginx_words(broken: Broken) -> None:
    error = first_error(broken.text)

    assert error is not None
    assert error.message == broken.message
    if broken.line is not None:
        assert error.line == broken.line


@pytest.mark.parametrize(("context", "snippet"), ODD, ids=[snippet for _, snippet in ODD])
def test_odd_but_taken(context: str, snippet: str) -> None:
    assert first_error(whole(context, snippet)) is None
