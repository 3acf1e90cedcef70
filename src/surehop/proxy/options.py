"""What the command line says, and the configuration that it names."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from surehop import __version__, _core
from surehop.conf.loading import load
from surehop.conf.model import Model
from surehop.errors import ConfigError, ConfigErrors, StartError
from surehop.plan.building import build
from surehop.plan.data import Plan
from surehop.plan.resolving import Overrides, SystemResolver
from surehop.proxy.files import open_log
from surehop.proxy.journal import Journal, Sink


@dataclass(frozen=True, slots=True)
class Options:
    """`error_log`: the file that takes lines before the configuration names one, and its default.

    `directives` stand before the configuration's, in main. `name` begins lines for people.
    """

    prefix: Path
    configuration: str
    resilience: bool
    error_log: str | None = None
    directives: str = ""
    name: str = "nginx"
    overrides: Overrides = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The configuration's absolute path."""
        return str(self.prefix / self.configuration)


def model_of(
    options: Options, *, read_file: Callable[[str], bytes] = lambda file: Path(file).read_bytes()
) -> Model:
    """The configuration. Raises ConfigErrors."""
    return load(
        options.configuration,
        prefix=str(options.prefix),
        directives=options.directives,
        error_log=options.error_log,
        read_file=read_file,
    )


def plan_of(options: Options, model: Model) -> Plan:
    """A plan that the data process has agreed to. Raises ConfigErrors and StartError."""
    plan = build(
        model,
        resolve=SystemResolver(options.overrides),
        resilience_default=options.resilience,
        version=__version__,
    )
    _check_regexes(model)
    try:
        _core.check_plan(plan.to_json().encode())
    except ValueError as e:
        raise StartError(str(e)) from e
    return plan


def _check_regexes(model: Model) -> None:
    """PCRE2 judges them where it will run them. Raises ConfigErrors."""
    errors: list[ConfigError] = []
    for regex in model.regexes:
        try:
            _core.check_regex(regex.pattern.encode("utf-8", "surrogateescape"), regex.caseless)
        except ValueError as error:
            errors.append(regex.where.fail(str(error)))
    if errors:
        raise ConfigErrors(errors)


@contextmanager
def early_journal(options: Options) -> Iterator[Journal]:
    """For what is to be said before the configuration's own error log is open."""
    journal = Journal(name=options.name)
    if options.error_log == "stderr":
        yield Journal([Sink(2, "notice", stderr=True)], name=options.name)
        return
    if options.error_log is None:
        yield journal
        return
    try:
        descriptor = open_log(str(options.prefix / options.error_log))
    except StartError as e:
        journal.write("alert", f"could not open error log file: {e}")
        yield Journal([Sink(2, "notice", stderr=True)], name=options.name)
        return
    try:
        yield Journal([Sink(descriptor, "notice")], name=options.name)
    finally:
        os.close(descriptor)
