"""`surehop doctor`: its arguments and what it prints."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from surehop import doctor
from surehop.errors import OptionError, PlanError
from surehop.plan import parse_overrides

_BAD_INPUT, _INTERNAL = 2, 3
_NEVER = "never"


def main(words: Sequence[str]) -> int:
    """Returns 0 clean, 1 findings at or above `--fail-on`, 2 bad input, 3 a fault of our own."""
    try:
        asked = _parser().parse_args(words)
    except SystemExit as e:
        return _BAD_INPUT if e.code else 0
    try:
        return _examine(asked)
    except (OptionError, PlanError) as e:
        _say(f"surehop doctor: {e}")
        if e.hint:
            _say(f"hint: {e.hint}")
        return _BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has gone
        return _INTERNAL
    except Exception as e:  # noqa: BLE001 (a fault of our own has its own exit code)
        _say(f"surehop doctor: internal fault: {type(e).__name__}: {e}")
        _say("hint: this is a bug; the targets that cause it help to find it")
        return _INTERNAL


def _examine(asked: argparse.Namespace) -> int:
    hosts = doctor.parse_hosts(_hosts(asked.hosts)) if asked.hosts else {}
    names = doctor.Names(parse_overrides(asked.resolve), hosts, ask=not asked.offline)
    options = doctor.Options(
        names,
        doctor.parse_version(asked.nginx_version) if asked.nginx_version else None,
        doctor.read_baseline(asked.baseline) if asked.baseline else frozenset(),
    )
    report = doctor.examine(asked.targets, options)
    for target in report.targets:
        _say(f"{target.name}: {target.kind}")
    for note in report.notes:
        _say(f"note: {note}")
    if asked.write_baseline:
        doctor.write_baseline(asked.write_baseline, report.findings)
        _say(f"wrote {asked.write_baseline}: {len(report.findings)} findings")
        return 0
    print(doctor.render(report, asked.format, colour=sys.stdout.isatty()), end="", flush=True)
    if asked.fix:
        _fix(report)
    if asked.fail_on == _NEVER:
        return 0
    limit = doctor.Severity[asked.fail_on.upper()]
    return 1 if any(each.severity >= limit for each in report.findings) else 0


def _fix(report: doctor.Report) -> None:
    try:
        fixed = doctor.fix(report.findings, report.documents)
    except OSError as e:
        raise OptionError(f"nothing more is written: {e}") from None
    for file, backup in fixed.written:
        _say(f"wrote {file}, as it was: {backup}")
    for each in fixed.held:
        _say(f"held back: {each.id} {each.place}: its change and another's overlap")
        _say("hint: run it again")
    if not fixed.written:
        _say("nothing to write: no fix is sure enough")


def _hosts(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as e:
        why = (e.strerror or "error").lower()
        raise OptionError(f"`--hosts {path}` can't be read: {why}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop doctor",
        description="Reads configurations and logs, names the cause, says what to change.",
        epilog="exit codes: 0 clean, 1 findings at or above `--fail-on`, 2 bad input, 3 a bug",
    )
    add = parser.add_argument
    add("targets", nargs="+", metavar="TARGET", help="a file, a directory, or `-`")
    add("--resolve", action="append", default=[], metavar="NAME=ADDR[,ADDR]")
    add("--hosts", type=Path, metavar="FILE", help="answer names from this hosts file first")
    add("--offline", action="store_true", help="ask nobody for the addresses of other names")
    add("--nginx-version", metavar="VERSION", help="the nginx that the configuration is for")
    add("--format", choices=doctor.FORMATS, default="text")
    severities = [each.word for each in doctor.Severity]
    add("--fail-on", choices=[*severities, _NEVER], default="warning")
    add("--baseline", type=Path, metavar="FILE", help="keep back what this file knows")
    add("--write-baseline", type=Path, metavar="FILE", help="write what is found, and succeed")
    add("--fix", action="store_true", help="write the fixes that are sure; a backup is kept")
    return parser


def _say(text: str) -> None:
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
