"""A file or a text -> model."""

import os
from pathlib import Path

from surehop.conf.model import Model
from surehop.conf.reading import ReadFile, Reading
from surehop.conf.shaping import findings_of, shape
from surehop.conf.tokens import decode
from surehop.errors import ConfigError, ConfigErrors


def _read(file: str) -> bytes:
    return Path(file).read_bytes()


def load(
    path: str | Path,
    *,
    prefix: str | Path,
    privileged: bool | None = None,
    directives: str = "",
    error_log: str | None = None,
    read_file: ReadFile = _read,
) -> Model:
    """Read the configuration at `path` (relative to `prefix`).

    `directives` are read before it, in main; `error_log` holds where it names none;
    `privileged`: whether a server without `listen` gets port 80 (else 8000); None asks the system.
    Raises ConfigErrors with everything that is wrong.
    """
    file = str(Path(prefix).absolute() / path)
    try:
        raw = read_file(file)
    except OSError as error:
        message = f'open() "{file}" failed ({error.errno}: {error.strerror})'
        raise ConfigErrors([ConfigError(message, file="", line=None)]) from None
    return loads(
        raw,
        file=file,
        prefix=prefix,
        privileged=privileged,
        directives=directives,
        error_log=error_log,
        read_file=read_file,
    )


def loads(
    raw: bytes,
    *,
    file: str,
    prefix: str | Path,
    privileged: bool | None = None,
    directives: str = "",
    error_log: str | None = None,
    read_file: ReadFile | None = None,
) -> Model:
    """Read a configuration that is at hand; `file` names it in messages."""
    reading = Reading(file, read_file=read_file or _read)
    scope = reading.read(decode(raw), directives=directives, error_log=error_log)
    if reading.findings.errors:  # what is missing would only cause errors of its own
        raise ConfigErrors(findings_of(reading.findings))
    if privileged is None:
        privileged = os.getuid() == 0
    if not privileged and scope.own("user"):
        message = (
            'the "user" directive makes sense only if the master process runs with super-user '
            "privileges, ignored"
        )
        reading.findings.warnings.insert(0, scope.own("user")[0].node.fail(message))
    model = shape(
        scope, file, str(Path(prefix).absolute()), default_port=80 if privileged else 8000
    )
    if reading.findings.late:
        raise ConfigErrors(findings_of(reading.findings))
    return model
