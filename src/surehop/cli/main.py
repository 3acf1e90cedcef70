"""`surehop` and `surehop-nginx`: which command is meant."""

import argparse
import gc
import sys
from collections.abc import Sequence
from importlib import import_module

_INTERRUPTED = 130  # as shells have it
_DESCRIPTION = "Surehop makes HTTP hops hold."
# Whose `main` the commands are, and what they are for: one is imported without the others.
_COMMANDS = {
    "proxy": ("surehop.cli.proxy", "run the proxy with an nginx configuration"),
    "doctor": ("surehop.cli.doctor", "name the cause of failures, and what to change"),
    "probe": ("surehop.cli.probe", "what a server does, and when it closes connections"),
}
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
    if words[:1] == ["lab"] and words[1:2] and words[1] in _LAB:
        return _run(_LAB[words[1]][0], words[2:], alone=argv is None)
    if words and words[0] in _COMMANDS:
        return _run(_COMMANDS[words[0]][0], words[1:], alone=argv is None)
    _parser(_version() if "--version" in words else "").parse_args(words)
    return 0


def nginx_main(argv: Sequence[str] | None = None) -> int:
    """The `surehop-nginx` program, at which scripts made for nginx are pointed."""
    words = list(sys.argv[1:] if argv is None else argv)
    return _run("surehop.cli.proxy", words, "nginx_main", alone=argv is None)


def _run(module: str, words: list[str], name: str = "main", *, alone: bool) -> int:
    """Run a command; `alone` in its process, it keeps for good what was imported for it."""
    try:
        run = getattr(import_module(module), name)
        if alone:
            gc.freeze()  # nobody looks through it again for what could go, not even at the end
        code: int = run(words)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _version() -> str:
    from surehop import __version__  # noqa: PLC0415 (asking for it takes longer than the rest)

    return f"surehop {__version__}"


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="surehop", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in _COMMANDS.items():
        commands.add_parser(name, help=text, add_help=False)
    lab = commands.add_parser(
        "lab",
        help="failures on purpose, and what is seen of them",
        description="Failures on purpose.",
    )
    lab_commands = lab.add_subparsers(dest="lab_command", required=True, metavar="COMMAND")
    for name, (_, text) in _LAB.items():
        lab_commands.add_parser(name, help=text, add_help=False)
    return parser
