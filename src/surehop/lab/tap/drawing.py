"""A diagram as text for a terminal."""

from surehop.lab.tap.sequence import Arrow, Diagram, Kind, Pause

_TIME = 10
_LANE = 30
_HEAVY = {Kind.RST, Kind.FAILED}
_COLOURS = {Kind.FIN: "33", Kind.RST: "1;31", Kind.FAILED: "1;31"}


def drawn(diagram: Diagram, *, lane: int = _LANE, colour: bool = False) -> str:
    """`lane` is the room between two actors, in columns; `colour`: with the terminal's escapes."""
    columns = [_TIME + 2 + number * lane for number in range(len(diagram.actors))]
    lines = [diagram.title]
    lines += [_heads(columns, [actor[row] for actor in diagram.actors]) for row in (0, 1)]
    for step in diagram.steps:
        if isinstance(step, Pause):
            cells = _cells(columns, "")
            _middle(cells, columns, f" {step} ")
            lines.append("".join(cells))
        else:
            cells = _cells(columns, f"{step.at:.6f}")
            _arrow(cells, columns, step)
            line = "".join(cells)
            code = _COLOURS.get(step.kind) if colour else None
            lines.append(f"\x1b[{code}m{line}\x1b[0m" if code else line)
    if diagram.note:
        lines.append(f"({diagram.note})")
    return "\n".join(lines)


def _heads(columns: list[int], names: list[str]) -> str:
    last = len(columns) - 1
    cells = [" "] * (columns[-1] + 1)
    free = 0
    for number, (column, name) in enumerate(zip(columns, names, strict=True)):
        room = columns[1] - columns[0] - 2
        text = name if len(name) <= room else name[: room - 1] + "…"
        begin = column if number == 0 else column - len(text) // 2
        begin = columns[-1] + 1 - len(text) if number == last else begin
        if begin < free:  # of an address the end tells more
            text = f"…{text[free - begin + 1 :]}"
            begin = free
        free = begin + len(text) + 1
        cells[begin : begin + len(text)] = text
    return "".join(cells).rstrip()


def _cells(columns: list[int], time: str) -> list[str]:
    cells = [" "] * (columns[-1] + 1)
    cells[: len(time)] = time
    for column in columns:
        cells[column] = "│"
    return cells


def _middle(cells: list[str], columns: list[int], text: str) -> None:
    begin = (columns[0] + columns[-1] - len(text)) // 2
    for column in columns:
        cells[column] = "┊"
    cells[begin : begin + len(text)] = text


def _arrow(cells: list[str], columns: list[int], arrow: Arrow) -> None:
    line = "━" if arrow.kind in _HEAVY else "─"
    cross = "┿" if arrow.kind in _HEAVY else "┼"
    if arrow.source == arrow.target:
        text = f" {arrow.text} "
        begin = columns[arrow.source] + 1
        cells[begin : begin + len(text)] = text
        return
    low, high = sorted((columns[arrow.source], columns[arrow.target]))
    for at in range(low + 1, high):
        cells[at] = cross if at in columns else line
    cells[low], cells[high] = ("├", "▶") if arrow.target > arrow.source else ("◀", "┤")
    room = high - low - 5
    text = arrow.text if len(arrow.text) <= room else arrow.text[: room - 1] + "…"
    # Near where it comes from, so that it does not stand upon the tap's line.
    begin = low + 3 if arrow.target > arrow.source else high - 4 - len(text)
    cells[begin : begin + len(text) + 2] = f" {text} "
