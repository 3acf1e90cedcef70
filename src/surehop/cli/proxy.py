"""`surehop proxy` and `surehop-nginx`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from surehop import proxy
from surehop.cli.about import CONFIGURATION, USAGE, VERSION, configure_arguments
from surehop.cli.arguments import Arguments, read_arguments
from surehop.errors import ConfigError, OptionError, PlanError, SurehopError
from surehop.plan.resolving import parse_overrides


def main(words: Sequence[str]) -> int:
    """Run the proxy with `resilience on`. Returns its exit code."""
    return _proxy("surehop", words, resilience=True)


def nginx_main(words: Sequence[str]) -> int:
    """Run it as nginx is run, with `resilience off`."""
    return _proxy("nginx", words, resilience=False)


def _proxy(name: str, words: Sequence[str], *, resilience: bool) -> int:
    try:
        arguments = read_arguments(words)
        options = proxy.Options(
            prefix=Path(arguments.prefix or "").absolute(),
            configuration=arguments.configuration or CONFIGURATION,
            resilience=resilience,
            error_log=arguments.error_log,
            directives=arguments.directives,
            name=name,
            overrides=parse_overrides(arguments.resolve),
        )
    except (OptionError, PlanError) as e:
        _say(f"{name}: {e}")
        if e.hint:
            _say(f"hint: {e.hint}")
        return 1
    if arguments.version:
        _say(VERSION)
        if arguments.help:
            _say(USAGE)
        if arguments.built_with:
            _say(f"configure arguments: {configure_arguments()}")
        if not arguments.test:
            return 0
    with proxy.early_journal(options) as journal:
        return _run(options, arguments, journal)


def _run(options: proxy.Options, arguments: Arguments, journal: proxy.Journal) -> int:
    try:
        if arguments.test:
            return _test(options, arguments, journal)
        if arguments.signal:
            return 0 if proxy.send_signal(options, arguments.signal, journal) else 1
        return 0 if proxy.run(options, journal) else 1
    except SurehopError as e:
        journal.complain(e)
        return 1


def _test(options: proxy.Options, arguments: Arguments, journal: proxy.Journal) -> int:
    try:
        checked = proxy.check(options)
        for warned in checked.plan.warnings:
            journal.write("warn", warned.text, hint=warned.hint)
        if arguments.version:
            _tell_without_effect(options.name, checked.model.without_effect)
        if not arguments.quiet:
            _say(f"{options.name}: the configuration file {options.file} syntax is ok")
        proxy.check_system(checked)
    except SurehopError as e:
        journal.complain(e)
        _say(f"{options.name}: configuration file {options.file} test failed")
        return 1
    if not arguments.quiet:
        _say(f"{options.name}: configuration file {options.file} test is successful")
    if arguments.dump:
        sys.stdout.flush()
        for file, text in checked.sources:
            sys.stdout.buffer.write(
                b"# configuration file %s:\n" % file.encode(errors="surrogateescape")
            )
            sys.stdout.buffer.write(text + b"\n")
        sys.stdout.flush()
    return 0


def _tell_without_effect(name: str, found: Sequence[ConfigError]) -> None:
    for one in found:
        _say(f"{name}: [notice] {one}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
