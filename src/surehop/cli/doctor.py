"""`surehop doctor`: its arguments and what it prints."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

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
    say,
    screen,
    tell,
    verdict,
)
from surehop.cli.progress import on_terminal
from surehop.cli.watching import watch
from surehop.errors import OptionError


def main(words: Sequence[str]) -> int:
    """Returns 0 clean, 1 findings at or above `--fail-on`, 2 bad input, 3 a fault of our own."""
    try:
        # what is merged is known by itself: the word is for those who read the line
        asked = _parser().parse_args(words[words[:1] == ["merge"] :])
    except SystemExit as e:
        return BAD_INPUT if e.code else 0
    return guarded("surehop doctor", lambda: _examine(asked))


def _examine(asked: argparse.Namespace) -> int:
    progress = on_terminal()
    failures = doctor.Failures(asked.parquet) if asked.parquet else None
    options = doctor.Options(
        names_of(asked, ask=not asked.offline),
        doctor.parse_version(asked.nginx_version) if asked.nginx_version else None,
        doctor.read_baseline(asked.baseline) if asked.baseline else frozenset(),
        probing_of(asked, servers=asked.probe),
        doctor.Reading(progress, failures.add if failures else None),
    )
    with ExitStack() as stack:
        if failures:
            stack.callback(failures.close)
        if asked.watch:
            return watch(asked, options)
        if progress:
            stack.callback(progress.clear)
        report = doctor.examine(asked.targets, options)
    tell(report)
    if failures:
        say(f"wrote {failures.path}: {failures.count} failed tries")
    if asked.partial:
        _write(asked.partial, report.digest)
        return 0
    if asked.write_baseline:
        doctor.write_baseline(asked.write_baseline, report.findings)
        say(f"wrote {asked.write_baseline}: {doctor.counted(len(report.findings), 'finding')}")
        return 0
    with suppress(BrokenPipeError):  # who has read enough has the exit code
        put(doctor.render(report, asked.format, screen()))
    if asked.fix:
        _fix(report)
    return verdict(report, asked.fail_on)


def _write(file: Path, digest: bytes) -> None:
    try:
        file.write_bytes(digest)
    except OSError as e:
        why = (e.strerror or "error").lower()
        raise OptionError(f"`--partial {file}` can't be written: {why}") from None
    say(f"wrote {file}")


def _fix(report: doctor.Report) -> None:
    fixed = doctor.fix(report.findings, report.documents)
    for file, backup in fixed.written:
        say(f"wrote {file}, as it was: {backup}")
    for each in fixed.held:
        say(f"held back: {each.id} {each.place}: its change and another's overlap")
        say("hint: run it again")
    if fixed.trouble:
        raise OptionError(fixed.trouble, hint="it is as it was; what is left is for another run")
    if not fixed.written:
        say("nothing to write: no fix is sure enough")


class _Explain(argparse.Action):
    """As `--help` does: whatever else stands on the line, a page is shown."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> NoReturn:
        from surehop.doctor.pages import explain  # noqa: PLC0415 (few runs show one)

        def show() -> int:
            with suppress(BrokenPipeError):
                put(explain(str(values)))
            return 0

        parser.exit(guarded("surehop doctor", show))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop doctor",
        description="Reads configurations and logs, probes servers, names the cause, says what to"
        " change.",
        epilog=EXIT_CODES,
    )
    add = parser.add_argument
    add("--explain", action=_Explain, metavar="ID", help="show the page of a finding, and end")
    add("targets", nargs="+", metavar="TARGET", help="a file, a directory, `-`, or a URL")
    add("--probe", action="store_true", help="ask every server of the configurations, too")
    add_probing(parser)
    add_names(parser)
    add("--offline", action="store_true", help="ask nobody for the addresses of other names")
    add("--partial", type=Path, metavar="FILE", help="write what the logs told; do not judge")
    add("--parquet", type=Path, metavar="DIR", help="write every failed try of the logs as a table")
    add("--nginx-version", metavar="VERSION", help="the nginx that the configuration is for")
    add("--format", choices=doctor.FORMATS, default="text", help="of the report")
    add_verdict(parser)
    add("--watch", action="store_true", help="go on reading the logs, and tell what changes")
    add("--baseline", type=Path, metavar="FILE", help="keep back what this file knows")
    add("--write-baseline", type=Path, metavar="FILE", help="write what is found, and succeed")
    add("--fix", action="store_true", help="write the fixes that are sure; a backup is kept")
    return parser
