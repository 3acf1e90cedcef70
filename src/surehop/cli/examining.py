"""What `surehop doctor` and `surehop probe` share: names, exit codes, what is said meanwhile."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from surehop import doctor
from surehop.doctor.render.harmless import harmless
from surehop.errors import OptionError, PlanError
from surehop.plan.resolving import parse_overrides

BAD_INPUT, INTERNAL = 2, 3
NEVER = "never"
EXIT_CODES = "exit codes: 0 clean, 1 findings at or above `--fail-on`, 2 bad input, 3 a bug"
_WIDEST = 78  # columns
_NARROWEST = 40
_LONGEST = 3600  # seconds
_MOST = 1000  # connections


def guarded(program: str, run: Callable[[], int]) -> int:
    """Run it; what goes wrong is said, and becomes an exit code."""
    try:
        return run()
    except (OptionError, PlanError) as e:
        say(f"{program}: {e}")
        if e.hint:
            say(f"hint: {e.hint}")
        return BAD_INPUT
    except Exception as e:  # noqa: BLE001 (a fault of our own has its own exit code)
        say(f"{program}: internal fault: {type(e).__name__}: {e}")
        say("hint: this is a bug; the targets that cause it help to find it")
        return INTERNAL


def add_names(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--resolve",
        action="append",
        default=[],
        metavar="NAME=ADDR[,ADDR]",
        help="answer a name with these addresses; may be repeated",
    )
    add("--hosts", type=Path, metavar="FILE", help="answer names from this hosts file first")


def add_verdict(parser: argparse.ArgumentParser) -> None:
    severities = [each.word for each in doctor.Severity]
    parser.add_argument(
        "--fail-on",
        choices=[*severities, NEVER],
        default="warning",
        help="from which severity on the exit code is 1 (warning)",
    )


def add_probing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    plain = doctor.Asked()
    add("--method", choices=doctor.METHODS, default=plain.method, help="of a probe's requests")
    add(
        "--max-wait",
        type=_seconds,
        default=plain.max_wait,
        metavar="SECONDS",
        help=f"how long idle connections are watched ({plain.max_wait:.0f}); 0: not at all",
    )
    add(
        "--connections",
        type=_count,
        default=0,
        metavar="N",
        help="also open so many at once, a request on each",
    )


def names_of(asked: argparse.Namespace, *, ask: bool) -> doctor.Names:
    hosts = doctor.parse_hosts(_text(asked.hosts)) if asked.hosts else {}
    return doctor.Names(parse_overrides(asked.resolve), hosts, ask=ask)


def probing_of(asked: argparse.Namespace, *, servers: bool) -> doctor.Probing:
    wanted = doctor.Asked(asked.method, asked.max_wait, crowd=asked.connections)
    return doctor.Probing(wanted, servers, doctor.Talk(_announce, _progress))


def tell(report: doctor.Report) -> None:
    """Say what was read, and what could not be."""
    _progress("")
    tell_targets(report.targets)
    for note in report.notes:
        say(f"note: {note}")


def tell_targets(targets: Iterable[doctor.Target]) -> None:
    for each in targets:
        say(f"{each.name}: {each.kind}")


def verdict(report: doctor.Report, fail_on: str) -> int:
    if fail_on == NEVER:
        return 0
    limit = doctor.Severity[fail_on.upper()]
    found = any(each.severity >= limit for each in report.findings)
    return 1 if found or any(each.trouble and each.by_url for each in report.probes) else 0


def say(text: str) -> None:
    """Write a line to standard error, if somebody is there."""
    if sys.stderr:
        with suppress(OSError):
            print(harmless(text), file=sys.stderr)


def put(text: str) -> None:
    """Write to standard output. Raises BrokenPipeError where nobody reads on, or OptionError."""
    try:
        print(text, end="", flush=True)
    except OSError as e:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # for what is flushed at the end
        if isinstance(e, BrokenPipeError):
            raise
        why = (e.strerror or "error").lower()
        raise OptionError(f"standard output can't be written: {why}") from None


def screen() -> doctor.Screen:
    """Tell how to write: colour, and its width, are a terminal's."""
    if not (sys.stdout and sys.stdout.isatty()):
        return doctor.Screen()
    import shutil  # noqa: PLC0415 (it draws in what unpacks archives)

    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    columns = shutil.get_terminal_size().columns
    return doctor.Screen(not plain, max(_NARROWEST, min(columns, doctor.Screen().width)))


def _announce(text: str) -> None:
    say(f"probe {text}")


def _progress(text: str) -> None:
    """Show it in one line that the next one takes the place of; at a terminal only."""
    if sys.stderr and sys.stderr.isatty():
        print(f"\r\x1b[K{text[:_WIDEST]}", end="", file=sys.stderr, flush=True)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as e:
        why = (e.strerror or "error").lower()
        raise OptionError(f"`--hosts {path}` can't be read: {why}") from None


def _seconds(text: str) -> float:
    value = _number(text, float)
    if not 0 <= value <= _LONGEST:
        raise argparse.ArgumentTypeError(f"`{text}` is not from 0 to {_LONGEST} seconds")
    return value


def _count(text: str) -> int:
    value = _number(text, int)
    if not 0 <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"`{text}` is not from 0 to {_MOST}")
    return int(value)


def _number(text: str, kind: Callable[[str], float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no number") from None
