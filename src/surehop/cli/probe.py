"""`surehop probe`: a fact sheet of one server, from a few requests that are said before."""

import argparse
from collections.abc import Sequence
from contextlib import suppress

from surehop import doctor
from surehop.cli.examining import (
    BAD_INPUT,
    EXIT_CODES,
    add_names,
    add_probing,
    add_verdict,
    guarded,
    names_of,
    probing_of,
    put,
    screen,
    tell,
    verdict,
)
from surehop.doctor.probing.url import hop_of


def main(words: Sequence[str]) -> int:
    """Returns the exit codes of `surehop doctor`."""
    try:
        asked = _parser().parse_args(words)
    except SystemExit as e:
        return BAD_INPUT if e.code else 0
    return guarded("surehop probe", lambda: _probe(asked))


def _probe(asked: argparse.Namespace) -> int:
    hop_of(asked.url)  # what is no URL is none, whatever files have its name
    options = doctor.Options(names_of(asked, ask=True), probing=probing_of(asked, servers=False))
    report = doctor.examine([asked.url], options)
    tell(report)
    with suppress(BrokenPipeError):  # who has read enough has the exit code
        put(doctor.render(report, asked.format, screen()))
    return verdict(report, asked.fail_on)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop probe",
        description="Asks a server a few harmless requests: which addresses it has, what it"
        " speaks, when it closes idle connections, and what becomes of a request just then.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("url", metavar="URL")
    add_probing(parser)
    add_names(parser)
    parser.add_argument("--format", choices=doctor.FORMATS, default="text", help="of the report")
    add_verdict(parser)
    return parser
