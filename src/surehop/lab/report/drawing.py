"""A report's plots as SVG, by matplotlib, and any drawing as a part of a page."""

import io
import logging
import re
from typing import Any

import matplotlib as mpl

from surehop.lab.report.bars import bars
from surehop.lab.report.colours import FAINT, themed
from surehop.lab.report.curves import curves
from surehop.lab.report.data import Bars, Curve, Plot
from surehop.lab.report.timelines import timeline

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "svg.hashsalt": "surehop",
    "svg.fonttype": "none",
    "axes.linewidth": 0.8,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}


def draw(plot: Plot, prefix: str) -> str:
    """An `<svg>` element for a page, as `embedded` has it."""
    # On a fresh machine it says that it looks for fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_SETTINGS):
        if isinstance(plot, Curve):
            figure = curves(plot)
        else:
            figure = bars(plot) if isinstance(plot, Bars) else timeline(plot)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return embedded(target.getvalue(), prefix)


def embedded(svg: str, prefix: str) -> str:
    """The `<svg>` element in the page's colours; its ids begin with the prefix, as a page has more.

    Whatever stands around it says what it shows.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<=\bid=")', prefix, themed(svg))
    return re.sub(r'(url\(#|href="#)', rf"\1{prefix}", svg)
