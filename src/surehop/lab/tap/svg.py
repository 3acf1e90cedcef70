"""A diagram as SVG: one file of its own, for a page or a printer."""

from html import escape

from surehop.lab.tap.sequence import Arrow, Diagram, Kind, Pause

_LEFT = 130
_LANE = 320
_TOP = 96
_ROW = 30
_MARGIN = 30
_FONT = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_MONO = "ui-monospace, 'DejaVu Sans Mono', Menlo, monospace"
# Words keep clear of the lines that they cross.
_HALO = 'paint-order="stroke" stroke="#ffffff" stroke-width="3"'
_INK, _FAINT, _LINE = "#1f2933", "#6b7785", "#c5ccd3"
_STROKES = {
    Kind.PLAIN: "#6b7785",
    Kind.DATA: "#2563a8",
    Kind.FIN: "#a86a00",
    Kind.RST: "#c0262d",
    Kind.FAILED: "#c0262d",
}


def svg(diagram: Diagram) -> str:
    """The whole file. Colours say the kind, and so do words and the arrows' heads."""
    lanes = [_LEFT + number * _LANE for number in range(len(diagram.actors))]
    width = lanes[-1] + 110
    height = _TOP + _ROW * len(diagram.steps) + _MARGIN
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" role="img" font-family="{_FONT}" font-size="13">'
        ),
        f"<title>{escape(diagram.title)}</title>",
        _defs(),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(20, 28, diagram.title, size=16, weight=600),
    ]
    bottom = _TOP + _ROW * len(diagram.steps) + 6
    for at, (name, address) in zip(lanes, diagram.actors, strict=True):
        parts.append(_text(at, 60, name, anchor="middle", weight=600))
        parts.append(_text(at, 78, address, anchor="middle", size=11, fill=_FAINT, mono=True))
        parts.append(
            f'<line x1="{at}" y1="{_TOP - 8}" x2="{at}" y2="{bottom}" stroke="{_LINE}"'
            ' stroke-width="1.5"/>'
        )
    for number, step in enumerate(diagram.steps):
        y = _TOP + _ROW * number + _ROW // 2
        if isinstance(step, Pause):
            parts.append(_pause(lanes, y, str(step)))
        else:
            parts.append(_text(20, y + 4, f"{step.at:.6f}", size=11, fill=_FAINT, mono=True))
            parts.append(_arrow(lanes, y, step))
    if diagram.note:
        parts.append(_text(20, height - 14, diagram.note, size=11, fill=_FAINT))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _defs() -> str:
    heads = []
    for kind, colour in _STROKES.items():
        # A reset ends in a cross, all others in a point.
        shape = (
            f'<path d="M1 1L9 9M9 1L1 9" stroke="{colour}" stroke-width="2.2"/>'
            if kind in {Kind.RST, Kind.FAILED}
            else f'<path d="M0 0L10 5L0 10z" fill="{colour}"/>'
        )
        ref = 5 if kind in {Kind.RST, Kind.FAILED} else 9
        heads.append(
            f'<marker id="{kind}" viewBox="0 0 10 10" refX="{ref}" refY="5" markerWidth="10"'
            f' markerHeight="10" markerUnits="userSpaceOnUse" orient="auto">{shape}</marker>'
        )
    return f"<defs>{''.join(heads)}</defs>"


def _pause(lanes: list[int], y: int, text: str) -> str:
    middle = (lanes[0] + lanes[-1]) // 2
    width = 8 * len(text) + 24
    band = (
        f'<rect x="{lanes[0] - 8}" y="{y - 10}" width="{lanes[-1] - lanes[0] + 16}" height="20"'
        ' fill="#f1f4f7"/>'
    )
    box = (
        f'<rect x="{middle - width // 2}" y="{y - 9}" width="{width}" height="18" fill="#f1f4f7"/>'
    )
    return band + box + _text(middle, y + 4, text, anchor="middle", size=12, fill=_FAINT)


def _arrow(lanes: list[int], y: int, arrow: Arrow) -> str:
    begin, end = lanes[arrow.source], lanes[arrow.target]
    colour = _STROKES[arrow.kind]
    if begin == end:
        return _text(begin + 8, y + 4, arrow.text, fill=colour)
    forward = end > begin
    heavy = 2.4 if arrow.kind in {Kind.RST, Kind.FAILED} else 1.6
    dash = ' stroke-dasharray="7 4"' if arrow.kind is Kind.FIN else ""
    line = (
        f'<line x1="{begin}" y1="{y}" x2="{end - 2 if forward else end + 2}" y2="{y}"'
        f' stroke="{colour}" stroke-width="{heavy}"{dash} marker-end="url(#{arrow.kind})"/>'
    )
    # The words stand above the line, in the lane where it begins.
    anchor, x = ("start", begin + 14) if forward else ("end", begin - 14)
    weight = 600 if arrow.kind is not Kind.PLAIN and arrow.kind is not Kind.DATA else 400
    return line + _text(x, y - 5, arrow.text, anchor=anchor, size=12, fill=colour, weight=weight)


def _text(
    x: int,
    y: int,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    fill: str = _INK,
    weight: int = 400,
    mono: bool = False,
) -> str:
    font = f' font-family="{_MONO}"' if mono else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{fill}"'
        f' font-weight="{weight}"{font} {_HALO}>{escape(text)}</text>'
    )
