"""`# surehop: ignore SH001` in a configuration: what is not to be told of the lines beside it."""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from surehop.conf.tokens import decode
from surehop.conf.tree import Broken, Node, parse
from surehop.doctor.finding import Finding

_IGNORE = re.compile(r"#[ \t]*surehop:[ \t]*ignore\b(?P<ids>[^\n;#]*)")
# An id or a name; what follows is a reason, for people.
_ID = re.compile(r"sh\d+|[a-z0-9]+(?:-[a-z0-9]+)+")
_WORDS = re.compile(r"[^\s,:]+")


class Ignored(NamedTuple):
    """Lines from `first` to `last` of a file, of which `ids` (ids or names) are not told."""

    file: str
    line: int
    first: int
    last: int
    ids: frozenset[str]

    def covers(self, finding: Finding) -> bool:
        place = finding.place
        return (
            place is not None
            and place.file == self.file
            and self.first <= place.line <= self.last
            and bool(self.ids & {finding.id.lower(), finding.name})
        )


def ignored(file: str, raw: bytes, *, blocks: bool) -> list[Ignored]:
    """Find the comments. One behind a directive is for it, one on a line of its own for the next.

    blocks: the file has nginx's blocks, and a comment before one covers all of it.
    """
    text = decode(raw)
    found = []
    nodes = list(_nodes(text, file)) if blocks and _IGNORE.search(text) else []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        comment = _IGNORE.search(line)
        if comment is None:
            continue
        ids = frozenset(takewhile(_ID.fullmatch, _WORDS.findall(comment["ids"].lower())))
        target = number
        if not line[: comment.start()].strip():
            target = _next(lines, number)
        ends = [node.last.line for node in nodes if node.name.line <= target <= node.line]
        found.append(Ignored(file, number, target, max([target, *ends]), ids))
    return found


def _next(lines: list[str], after: int) -> int:
    """Give the next line that has more than a comment."""
    for number in range(after + 1, len(lines) + 1):
        words = lines[number - 1].strip()
        if words and not words.startswith("#"):
            return number
    return after


def _nodes(text: str, file: str) -> Iterator[Node]:
    pending: list[Node | Broken] = list(parse(text, file))
    while pending:
        node = pending.pop()
        if isinstance(node, Node):
            yield node
            pending.extend(node.block or ())


def unknown_ids(found: Iterable[Ignored], known: frozenset[str]) -> Iterator[str]:
    """Give a sentence for each comment that names no rule."""
    for each in found:
        where = f"{each.file}:{each.line}"
        if not each.ids:
            yield f"{where}: `# surehop: ignore` names no finding, write `ignore SH001`"
        for name in sorted(each.ids - known):
            yield f"{where}: `# surehop: ignore {name}`: there is no such finding"
