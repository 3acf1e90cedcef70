"""Requests over time, a row a subject."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surehop.lab.report.colours import BAND, BLUE, INK, LINE, RED
from surehop.lab.report.data import Mark, Timeline

_WIDTH = 10.0  # inches
_MOST = 12  # requests at one time that are drawn over each other
_NARROWEST = 0.0025  # of the whole time, so that a short request is seen


def timeline(plot: Timeline) -> Figure:
    """A bar a request, those of one time below each other."""
    span = max((m.at + m.took for row in plot.rows for m in row.marks), default=1.0) or 1.0
    placed = [(row.name, _stacked(row.marks, span)) for row in plot.rows]
    depths = [max((at for _, at in marks), default=0) + 1 for _, marks in placed]
    units = sum(depths) + 0.9 * len(depths)
    per_unit = 0.36 if max(depths, default=1) == 1 else 0.115
    height = 0.75 + max(units * per_unit, 0.3 * len(depths))
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    for begin, end, _ in plot.bands:
        axes.axvspan(begin, end, color=BAND, linewidth=0)
    top, ticks = 0.0, []
    for (_, marks), depth in zip(placed, depths, strict=True):
        ticks.append(top + depth / 2)
        for one, at in marks:
            _mark(axes, one, top + at, span)
        top += depth + 0.9
        axes.axhline(top - 0.45, color=LINE, linewidth=0.6)
    axes.set_ylim(top or 1.0, -0.6)
    axes.set_xlim(-0.01 * span, 1.02 * span)
    axes.set_yticks(ticks, [name for name, _ in placed], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds since the first request", color=INK)
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
    grown = 0.1 if one.failed else 0.0
    place = (top + 0.14 - grown, 0.72 + 2 * grown)
    colour = RED if one.failed else BLUE
    axes.broken_barh([(one.at, width)], place, facecolor=colour, alpha=0.75, linewidth=0)
    for number, (at, fault) in enumerate(one.tries):
        if number or fault or one.took > span * _NARROWEST * 4:
            style: dict[str, Any] = {"color": INK, "linewidth": 0.9}
            axes.vlines(at, top + 0.05, top + 0.95, **style)
            if fault:
                axes.plot([at], [top + 0.5], marker="x", color=INK, markersize=4)
