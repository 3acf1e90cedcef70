"""Lines over one axis, a panel a subject."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surehop.lab.report.colours import BLUE, FAINT, GREEN, INK, LINE, RED
from surehop.lab.report.data import Curve

_WIDTH = 10.0  # inches
_PANELS = 4  # in a row


def curves(curve: Curve) -> Figure:
    """Panels, since lines over each other would hide that many are the same."""
    names = list(curve.series)
    columns = min(_PANELS, max(1, len(names)))
    rows = max(1, math.ceil(len(names) / columns))
    figure = Figure(figsize=(_WIDTH, 0.7 + 1.55 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    flat = [axes for row in panels for axes in row]
    for axes, name in zip(flat, names, strict=False):
        _panel(axes, curve, name)
    for axes in flat[len(names) :]:
        axes.set_visible(False)
    figure.supxlabel(curve.x, fontsize=9, color=INK)
    figure.supylabel(curve.y, fontsize=9, color=INK)
    return figure


def _panel(axes: Axes, curve: Curve, name: str) -> None:
    points = sorted(curve.series[name])
    xs, ys = [x for x, _ in points], [y for _, y in points]
    colour = GREEN if name.startswith("surehop") else BLUE
    if curve.share:
        axes.fill_between(xs, ys, 1, color=RED, alpha=0.35, linewidth=0)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        axes.set_xscale("symlog", linthresh=5)
        axes.set_xticks([-50, -5, 0, 5, 50], ["-50", "-5", "0", "5", "50"])
        axes.minorticks_off()
    axes.plot(xs, ys, color=colour, linewidth=1.4, marker="o", markersize=2.6)
    for x in curve.marks.values():
        axes.axvline(x, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_title(name, fontsize=9.5, color=INK, weight="bold", loc="left", pad=3)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
