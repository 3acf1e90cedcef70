"""Curves and timelines as SVG, by matplotlib."""

import io
import logging
import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surehop.lab.report.data import Curve, Mark, Timeline

# Okabe and Ito's palette: told apart by every kind of eye; failures are also taller.
_GOOD, _BAD, _OWN = "#0072B2", "#D55E00", "#009E73"
_INK, _FAINT, _GRID = "#222222", "#767676", "#dddddd"
_WIDTH = 10.0  # inches
_PANELS = 4  # in a row
_MOST = 12  # requests at one time that are drawn over each other
_NARROWEST = 0.0025  # of the whole time, so that a short request is seen
_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "svg.hashsalt": "surehop",
    "svg.fonttype": "none",
    "axes.linewidth": 0.8,
    "axes.edgecolor": "#aaaaaa",
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
}


def draw(plot: Curve | Timeline, prefix: str) -> str:
    """An `<svg>` element, whose ids begin with the prefix, since a page has several."""
    # On a fresh machine it says that it looks for fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_SETTINGS):
        figure = _curve(plot) if isinstance(plot, Curve) else _timeline(plot)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    svg = target.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<=\bid=")', prefix, svg)
    return re.sub(r'(url\(#|href="#)', rf"\1{prefix}", svg)


def _curve(curve: Curve) -> Figure:
    """A panel a subject: lines over each other would hide that many are the same."""
    names = list(curve.series)
    columns = min(_PANELS, max(1, len(names)))
    rows = max(1, math.ceil(len(names) / columns))
    figure = Figure(figsize=(_WIDTH, 0.7 + 1.55 * rows), facecolor="white", layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    flat = [axes for row in panels for axes in row]
    for axes, name in zip(flat, names, strict=False):
        _panel(axes, curve, name)
    for axes in flat[len(names) :]:
        axes.set_visible(False)
    figure.supxlabel(curve.x, fontsize=9, color=_INK)
    figure.supylabel(curve.y, fontsize=9, color=_INK)
    return figure


def _panel(axes: Axes, curve: Curve, name: str) -> None:
    points = sorted(curve.series[name])
    xs, ys = [x for x, _ in points], [y for _, y in points]
    colour = _OWN if name.startswith("surehop") else _GOOD
    if curve.share:
        axes.fill_between(xs, ys, 1, color=_BAD, alpha=0.35, linewidth=0)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        axes.set_xscale("symlog", linthresh=5)
        axes.set_xticks([-50, -5, 0, 5, 50], ["-50", "-5", "0", "5", "50"])
        axes.minorticks_off()
    axes.plot(xs, ys, color=colour, linewidth=1.4, marker="o", markersize=2.6)
    for x in curve.marks.values():
        axes.axvline(x, color=_FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_title(name, fontsize=9.5, color=_INK, weight="bold", loc="left", pad=3)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _timeline(timeline: Timeline) -> Figure:
    span = max((m.at + m.took for row in timeline.rows for m in row.marks), default=1.0) or 1.0
    placed = [(row.name, _stacked(row.marks, span)) for row in timeline.rows]
    depths = [max((at for _, at in marks), default=0) + 1 for _, marks in placed]
    units = sum(depths) + 0.9 * len(depths)
    per_unit = 0.36 if max(depths, default=1) == 1 else 0.115
    height = 0.75 + max(units * per_unit, 0.3 * len(depths))
    figure = Figure(figsize=(_WIDTH, height), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for begin, end, _ in timeline.bands:
        axes.axvspan(begin, end, color="#f3e3d6", linewidth=0)
    top, ticks = 0.0, []
    for (_, marks), depth in zip(placed, depths, strict=True):
        ticks.append(top + depth / 2)
        for one, at in marks:
            _mark(axes, one, top + at, span)
        top += depth + 0.9
        axes.axhline(top - 0.45, color=_GRID, linewidth=0.6)
    axes.set_ylim(top, -0.6)
    axes.set_xlim(-0.01 * span, 1.02 * span)
    axes.set_yticks(ticks, [name for name, _ in placed], color=_INK)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds since the first request", color=_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return figure


def _stacked(marks: Sequence[Mark], span: float) -> list[tuple[Mark, int]]:
    """Each mark with its place, so that those of one time lie below each other."""
    ends: list[float] = []
    placed = []
    for one in sorted(marks, key=lambda m: m.at):
        free = next((n for n, end in enumerate(ends) if end <= one.at), len(ends))
        if free >= _MOST:
            free = min(range(_MOST), key=lambda n: ends[n])
        if free == len(ends):
            ends.append(0.0)
        ends[free] = one.at + max(one.took, span * _NARROWEST)
        placed.append((one, free))
    return placed


def _mark(axes: Axes, one: Mark, top: float, span: float) -> None:
    width = max(one.took, span * _NARROWEST)
    colour = _BAD if one.failed else _GOOD
    grown = 0.1 if one.failed else 0.0
    place = (top + 0.14 - grown, 0.72 + 2 * grown)
    axes.broken_barh([(one.at, width)], place, facecolor=colour, alpha=0.75, linewidth=0)
    for number, (at, fault) in enumerate(one.tries):
        if number or fault or one.took > span * _NARROWEST * 4:
            style: dict[str, Any] = {"color": _INK, "linewidth": 0.9}
            axes.vlines(at, top + 0.05, top + 0.95, **style)
            if fault:
                axes.plot([at], [top + 0.5], marker="x", color=_INK, markersize=4)
