"""The timeline of incident 3 as a picture: a row for each rival, a stroke for each request."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surehop.lab.demo.incidents import Run
from surehop.lab.log_lines import LogLine, fold

# Okabe and Ito's palette: told apart by every kind of eye; failures are also taller.
_GOOD, _BAD = "#0072B2", "#D55E00"
_INK, _FAINT = "#222222", "#8a8a8a"
_CLUSTER = 1.0  # seconds that lines may be apart and still be one moment
_CLUSTERS = 2
_CHARACTER = 0.1  # seconds of the axis that a letter takes
_LONGEST = 62
_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "svg.hashsalt": "surehop",
    "svg.fonttype": "none",
    "axes.linewidth": 0.8,
}


def draw(runs: Sequence[Run], race: float | None, out: Path) -> list[Path]:
    """Write timeline.png and timeline.svg. race: seconds, when the connection was closed."""
    # On a fresh machine it says that it looks for fonts, in the middle of the demo's own words.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(13, 7.3), facecolor="white")
        figure.text(0.035, 0.945, _title(runs), fontsize=19, color=_INK, weight="bold")
        figure.text(0.035, 0.915, _subtitle(runs[0], race), fontsize=10.5, color=_INK, va="top")
        height = 0.35
        for index, run in enumerate(runs):
            axes = figure.add_axes((0.16, 0.485 - index * (height + 0.06), 0.81, height))
            _row(axes, run, race, last=index == len(runs) - 1)
            _label(figure, axes, run)
        paths = [out / "timeline.png", out / "timeline.svg"]
        figure.savefig(paths[0], dpi=170)
        figure.savefig(paths[1], metadata={"Date": None})
    return paths


def _title(runs: Sequence[Run]) -> str:
    if runs[0].failed and not runs[-1].failed:
        return "One race: an outage, and none"
    return "One race, as two proxies take it"


def _subtitle(run: Run, race: float | None) -> str:
    moment = f"At {race:.2f} s" if race is not None else "Once"
    return (
        f"A client sends a GET every {run.incident.every * 1000:.0f} ms. The name of the backend "
        "has two addresses, and it listens on one of them.\n"
        f"{moment} it closes one reused connection on receipt of a request. All settings are "
        "defaults."
    )


def _label(figure: Figure, axes: Axes, run: Run) -> None:
    box = axes.get_position()
    colour = _BAD if run.failed else _GOOD
    top = box.y1 - 0.025
    figure.text(0.035, top, run.rival.name, fontsize=13, weight="bold", color=_INK)
    figure.text(0.035, top - 0.028, run.rival.program.version, fontsize=9, color=_FAINT)
    figure.text(0.035, top - 0.098, str(run.failed), fontsize=30, weight="bold", color=colour)
    told = f"of {len(run.answers)} failed"
    figure.text(0.035, top - 0.126, told, fontsize=9.5, color=_INK)
    if run.outage:
        figure.text(0.035, top - 0.150, f"out for {run.outage:.1f} s", fontsize=9.5, color=_INK)


def _row(axes: Axes, run: Run, race: float | None, *, last: bool) -> None:
    good = [a.at for a in run.answers if not a.failed]
    bad = [a.at for a in run.answers if a.failed]
    axes.vlines(good, 0.70, 0.90, color=_GOOD, linewidth=1.1)
    axes.vlines(bad, 0.66, 0.94, color=_BAD, linewidth=1.3)
    axes.set_xlim(-0.1, run.incident.seconds)
    axes.set_ylim(0, 1.08)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#cccccc")
    axes.set_xticks(range(0, int(run.incident.seconds) + 1, 2))
    axes.tick_params(colors=_FAINT, labelsize=9, length=3)
    if last:
        axes.set_xlabel("seconds since the first request", fontsize=9.5, color=_INK)
    else:
        axes.set_xticklabels([])
    if race is not None:
        axes.plot([race, race], [0.62, 1.05], color=_INK, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.text(race + 0.05, 1.0, "the race", fontsize=9, color=_INK, style="italic")
    _key(axes, run)
    _annotate(axes, run)


def _key(axes: Axes, run: Run) -> None:
    statuses = sorted({a.status for a in run.answers if a.failed})
    words = [(_GOOD, "200")] + [(_BAD, str(status or "no answer")) for status in statuses]
    x = run.incident.seconds
    for colour, word in reversed(words):
        axes.text(x, 1.0, word, fontsize=9, color=colour, weight="bold", ha="right")
        x -= 0.75


def _annotate(axes: Axes, run: Run) -> None:
    """The log's lines below the strokes, at their time; a line said often spans its time."""
    clusters: list[list[LogLine]] = []
    spanned: set[str] = set()
    for line, count in fold(run.log):
        if line.message in spanned:
            continue
        if count > 1:
            spanned.add(line.message)
            _span(axes, [x.at for x in run.log if x.message == line.message], line)
        elif clusters and line.at - clusters[-1][0].at < _CLUSTER:
            clusters[-1].append(line)
        else:
            clusters.append([line])
    for cluster in clusters[:_CLUSTERS]:
        _cluster(axes, cluster, run.incident.seconds)


def _span(axes: Axes, times: Sequence[float], line: LogLine) -> None:
    first, last = times[0], times[-1]
    axes.plot([first, first, last, last], [0.60, 0.575, 0.575, 0.60], color=_BAD, linewidth=1)
    text = f"{len(times)} times [{line.level}] {line.message.split(' while ')[0]}"
    axes.text((first + last) / 2, 0.55, text, **_style(line.level), ha="center", va="top")


def _cluster(axes: Axes, lines: Sequence[LogLine], seconds: float) -> None:
    """Lines of one moment, beside a leader; pushed to the left where they would not fit."""
    at = lines[0].at
    texts = [_text(line) for line in lines]
    room = seconds - max(map(len, texts)) * _CHARACTER
    fits = at + 0.1 <= room
    axes.plot([at, at], [0.45 - (0.085 * len(lines) if fits else 0), 0.64], color=_FAINT, lw=0.7)
    for index, (line, text) in enumerate(zip(lines, texts, strict=True)):
        where = at + 0.1 if fits else room
        axes.text(where, 0.43 - 0.085 * index, text, **_style(line.level), ha="left", va="top")


def _text(line: LogLine) -> str:
    message = line.message.split(" while ")[0]
    if len(message) > _LONGEST:
        message = message[: _LONGEST - 1] + "…"
    return f"{line.at:.2f} s [{line.level}] {message}  {line.upstream}".rstrip()


def _style(level: str) -> dict[str, Any]:
    loud = level in ("error", "crit", "alert")
    return {"fontsize": 8, "family": "DejaVu Sans Mono", "color": _BAD if loud else _INK}
