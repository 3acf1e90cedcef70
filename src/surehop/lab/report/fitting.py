"""How the columns of a table find room on a terminal: words whole, and what is too wide below."""

from collections.abc import Iterator, Mapping, Sequence

from surehop.lab.report.data import Table

_GAP = 2  # between two columns
_LONGEST = 24  # a word that is not broken


def blocks(table: Table, room: int) -> Iterator[dict[int, int]]:
    """The columns that stand beside each other, and how wide. Each block begins with the first."""
    cells = [[name, *(row[n] for row in table.rows)] for n, name in enumerate(table.columns)]
    least = [_longest_word(some) for some in cells]
    together = [0] if cells else []
    for column in range(1, len(cells)):
        if len(together) > 1 and _wide([least[n] for n in (*together, column)]) > room:
            yield _widths({n: cells[n] for n in together}, room)
            together = [0]
        together.append(column)
    yield _widths({n: cells[n] for n in together}, room)


def _longest_word(cells: Sequence[str]) -> int:
    return max((min(len(word), _LONGEST) for cell in cells for word in cell.split()), default=1)


def _wide(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths)


def _widths(columns: Mapping[int, Sequence[str]], room: int) -> dict[int, int]:
    """What is left over goes to those that want it, the modest first; to cells, then to heads."""
    widths = {number: _longest_word(cells) for number, cells in columns.items()}
    for begin in (1, 0):
        wants = {
            number: max(0, max(map(len, cells[begin:]), default=0) - widths[number])
            for number, cells in columns.items()
        }
        for place, number in enumerate(sorted(wants, key=lambda n: wants[n])):
            over = max(0, room - _wide([*widths.values()]))
            widths[number] += min(wants[number], over // (len(wants) - place))
    return widths
