"""`surehop doctor --watch`: what changes while logs grow, until somebody interrupts."""

import argparse
import time
from collections.abc import Iterable
from contextlib import closing

from surehop import doctor
from surehop.cli.examining import put, screen, tell, tell_targets, verdict
from surehop.errors import OptionError

_EVERY_S = 1.0


def watch(asked: argparse.Namespace, options: doctor.Options) -> int:
    """Raises OptionError."""
    if asked.fix or asked.write_baseline:
        raise OptionError("`--watch` writes no files", hint="leave `--fix` and the like out")
    if asked.format not in doctor.CHANGE_FORMATS:
        forms = " or ".join(f"`{each}`" for each in doctor.CHANGE_FORMATS)
        raise OptionError(f"`--watch` tells changes as {forms}, not as `{asked.format}`")
    shown = screen()
    with closing(doctor.Examination(asked.targets, options, follow=True)) as examination:
        report = examination.report()
        tell(report)
        watched = doctor.Watch()
        known = list(watched.begin(report.findings))

        def show(changes: Iterable[doctor.Change]) -> None:
            at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            for each in changes:
                told = doctor.render_change(each, report, asked.format, at, shown)
                put(told)

        try:
            if asked.format == "text":
                put(doctor.render(report, asked.format, shown))
            else:
                show(known)
            while True:
                time.sleep(_EVERY_S)
                now = time.monotonic()
                if examination.read_on():
                    before, report = report, examination.report()
                    tell_targets(report.targets[len(before.targets) :])
                    show(watched.take(report.findings, now))
                show(watched.rest(now))
        except (KeyboardInterrupt, BrokenPipeError):  # who reads has gone
            return verdict(report, asked.fail_on)
