"""`surehop` and `surehop-nginx`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from surehop import __version__, proxy
from surehop.cli.about import CONFIGURATION, USAGE, VERSION, configure_arguments
from surehop.cli.arguments import Arguments, read_arguments
from surehop.errors import ConfigError, OptionError, PlanError, SurehopError
from surehop.plan import parse_overrides

_DESCRIPTION = "Surehop makes HTTP hops hold."
# The commands of the lab: whose `main` they are, and what they are for.
_LAB = {
    "list": ("surehop.lab.scenarios.listing", "the scenarios: failures that can be made to happen"),
    "run": ("surehop.lab.scenarios.command", "make one happen, to the real programs"),
    "report": ("surehop.lab.report.command", "show a saved run again, or make its page"),
    "origin": ("surehop.lab.origins", "a server that fails as it is told"),
    "tap": ("surehop.lab.tap", "a relay that records who closed what"),
    "subjects": ("surehop.lab.programs", "which programs are here to be run against"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The `surehop` program. Returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["proxy"]:
        return _proxy("surehop", words[1:], resilience=True)
    if words[:1] == ["doctor"]:
        from surehop.cli.doctor import main as examine  # noqa: PLC0415 (the proxy needs no doctor)

        return examine(words[1:])
    if words[:1] == ["probe"]:
        from surehop.cli.probe import main as probe  # noqa: PLC0415 (as above)

        return probe(words[1:])
    if words[:1] == ["lab"] and words[1:2] and words[1] in _LAB:
        # The proxy needs no lab, and one command none of the others.
        found: int = import_module(_LAB[words[1]][0]).main(words[2:])
        return found
    parser = argparse.ArgumentParser(prog="surehop", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"surehop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("proxy", help="run the proxy with an nginx configuration", add_help=False)
    commands.add_parser(
        "doctor", help="name the cause of failures, and what to change", add_help=False
    )
    commands.add_parser(
        "probe", help="what a server does, and when it closes connections", add_help=False
    )
    lab = commands.add_parser(
        "lab",
        help="failures on purpose, and what is seen of them",
        description="Failures on purpose.",
    )
    lab_commands = lab.add_subparsers(dest="lab_command", required=True, metavar="COMMAND")
    for name, (_, text) in _LAB.items():
        lab_commands.add_parser(name, help=text, add_help=False)
    parser.parse_args(words)
    return 0


def nginx_main(argv: Sequence[str] | None = None) -> int:
    """The `surehop-nginx` program, at which scripts made for nginx are pointed."""
    words = list(sys.argv[1:] if argv is None else argv)
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
