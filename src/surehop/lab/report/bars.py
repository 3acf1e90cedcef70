"""Counts as bars, each in parts."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from surehop.lab.report.colours import INK, LINE
from surehop.lab.report.data import Bars

_WIDTH = 10.0  # inches
# The same by day and by night, since dark figures stand upon them; told apart by every kind of eye.
_PARTS = ("#56b4e9", "#35b597", "#e6c229", "#e8743b", "#a7b0ba")
_FIGURES = "#111111"
_NARROW = 0.03  # of the longest bar: less has no room for its figure


def bars(plot: Bars) -> Figure:
    """A bar a row, the parts one behind the other."""
    height = 0.95 + 0.32 * len(plot.rows)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    longest = max((sum(counts) for counts in plot.rows.values()), default=1) or 1
    begins = [0] * len(plot.rows)
    for number, part in enumerate(plot.parts):
        counts = [row[number] for row in plot.rows.values()]
        drawn = axes.barh(
            range(len(counts)),
            counts,
            left=begins,
            height=0.66,
            label=part,
            color=_PARTS[number % len(_PARTS)],
        )
        told = [str(count) if count >= longest * _NARROW else "" for count in counts]
        axes.bar_label(drawn, told, label_type="center", fontsize=8, color=_FIGURES)
        begins = [begin + count for begin, count in zip(begins, counts, strict=True)]
    axes.set_yticks(range(len(plot.rows)), list(plot.rows), color=INK)
    axes.set_ylim(len(plot.rows) - 0.4, -0.6)
    axes.set_xlim(0, longest * 1.02)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set_xlabel(plot.x, color=INK)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.legend(
        loc="outside upper left", ncols=len(plot.parts), frameon=False, labelcolor=INK, fontsize=9
    )
    return figure
