"""How the columns of a table find room on a terminal: words whole, and what is too wide below."""

from collections.abc import Iterator, Sequence

from surehop.lab.report.data import Table

_GAP = 2  # between two columns
_LONGEST = 24  # a word that is not broken


def blocks(table: Table, room: int) -> Iterator[dict[int, int]]:
    """The columns that stand beside each other, and how wide. Each block begins with the first."""
    cells = [[name, *(row[n] for row in table.rows)] for n, name in enumerate(table.columns)]
    least = [_longest_word(some) for some in cells]
    most = [max(map(len, some)) for some in cells]
    together = [0] if cells else []
    for column in range(1, len(cells)):
        if len(together) > 1 and _wide([least[n] for n in (*together, column)]) > room:
            yield _widths(together, least, most, room)
            together = [0]
        together.append(column)
    yield _widths(together, least, most, room)


def _longest_word(cells: Sequence[str]) -> int:
    return max((min(len(word), _LONGEST) for cell in cells for word in cell.split()), default=1)


def _wide(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths)


def _widths(
    columns: Sequence[int], least: Sequence[int], most: Sequence[int], room: int
) -> dict[int, int]:
    """What is left over goes to those that want it, the modest first."""
    over = room - _wide([least[n] for n in columns])
    widths = {}
    for place, column in enumerate(sorted(columns, key=lambda n: most[n] - least[n])):
        more = max(0, min(most[column] - least[column], over // (len(columns) - place)))
        widths[column] = least[column] + more
        over -= more
    return {column: widths[column] for column in columns}
