"""What a plot or a diagram shows, in words, for those who do not see it."""

from collections.abc import Sequence

from surehop.lab.report.data import Bars, Curve, Plot
from surehop.lab.tap.sequence import Arrow, Diagram


def of_plot(plot: Plot) -> str:
    """A sentence a subject."""
    if isinstance(plot, Curve):
        told = [f"{name} {_lowest(points)}" for name, points in plot.series.items() if points]
    elif isinstance(plot, Bars):
        told = [f"{name} {_counts(plot, row)}" for name, row in plot.rows.items()]
    else:
        told = [
            f"{row.name} {sum(m.failed for m in row.marks)} of {len(row.marks)} failed"
            for row in plot.rows
        ]
    return f"{plot.title}: {'; '.join(told) or 'nothing'}"


def of_diagram(diagram: Diagram) -> str:
    """Each arrow, in the order of time."""
    names = [name for name, _ in diagram.actors]
    told = [
        f"{names[step.source]} to {names[step.target]} {step.text}"
        if isinstance(step, Arrow)
        else str(step)
        for step in diagram.steps
    ]
    return f"{diagram.title}: {'; '.join(told) or 'nothing'}"


def _lowest(points: Sequence[tuple[float, float]]) -> str:
    x, y = min(points, key=lambda point: point[1])
    return f"is lowest at {x:g}, {y:.2g}"


def _counts(plot: Bars, row: Sequence[int]) -> str:
    parts = zip(plot.parts, row, strict=True)
    return ", ".join(f"{part} {count}" for part, count in parts if count) or "none"
