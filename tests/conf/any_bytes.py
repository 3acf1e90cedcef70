"""What must hold of any bytes taken for a configuration.

Hypothesis looks for what breaks it in the tests, atheris under `make fuzz`.
"""

import errno
import ipaddress
from collections.abc import Sequence

from surehop import _core
from surehop.conf.loading import loads
from surehop.errors import ConfigErrors, SurehopError
from surehop.plan.building import build
from surehop.plan.resolving import IPAddress

# What `include` finds: nothing outside of this.
FILES = {
    "/p/good.inc": b"server { listen 81; return 204; }",
    "/p/bad.inc": b"server { listen 81; bad }",
    "/p/self.inc": b"include self.inc;",
}

_TOO_MUCH = ("too many", "workers: there are")


def check(raw: bytes) -> bool:
    """Whether it makes a plan: it does, or is refused with a reason.

    A plan can be run, unless it asks for more than there can be.
    """
    try:
        model = loads(raw, file="/p/f", prefix="/p", privileged=True, read_file=_read)
    except ConfigErrors as refused:
        _sound(refused, raw)
        return False
    try:
        plan = build(model, resolve=_resolve, resilience_default=True, version="0", cpus=1)
    except SurehopError:
        return False
    try:
        _core.check_plan(plan.to_json().encode())
    except ValueError as refused:
        if not any(word in str(refused) for word in _TOO_MUCH):
            raise
        return False
    return True


def _sound(refused: ConfigErrors, raw: bytes) -> None:
    """Every error says what and where, in a place that there is."""
    assert refused.errors
    for error in refused.errors:
        assert error.message
        assert str(error)
        if error.file == "/p/f" and error.line is not None:
            assert 1 <= error.line <= raw.count(b"\n") + raw.count(b"\r") + 1
            assert error.column is None or error.column >= 1


def _read(file: str) -> bytes:
    if file not in FILES:
        raise OSError(errno.ENOENT, "No such file or directory", file)
    return FILES[file]


def _resolve(name: str) -> Sequence[IPAddress]:
    return [ipaddress.ip_address("127.0.0.1")]
