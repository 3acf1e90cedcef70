"""nginx's blocks, as far as a reader needs them who judges and refuses nothing."""

from collections.abc import Iterator

from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import milliseconds, number
from surehop.doctor.finding import Edit, Place


class Section:
    """A block: what stands in it, and the blocks around and in it. The top has no `node`."""

    def __init__(self, node: Node | None, outer: "Section | None") -> None:
        self.node = node
        self.outer = outer
        self.own: dict[str, list[Node]] = {}
        self.inner: list[Section] = []

    @property
    def kind(self) -> str:
        return self.node.name.value if self.node else ""

    def below(self) -> Iterator["Section"]:
        """Give this block and all inside of it, in the order of the text."""
        pending = [self]
        while pending:
            section = pending.pop()
            yield section
            pending.extend(reversed(section.inner))

    def outward(self) -> Iterator["Section"]:
        section: Section | None = self
        while section is not None:
            yield section
            section = section.outer

    def home(self, name: str) -> "Section | None":
        """Give the nearest block that says something of `name`; nginx inherits all or nothing."""
        return next((section for section in self.outward() if name in section.own), None)

    def find(self, name: str) -> tuple[Node, ...]:
        home = self.home(name)
        return tuple(home.own[name]) if home else ()

    def last(self, name: str) -> Node | None:
        found = self.find(name)
        return found[-1] if found else None

    def word(self, name: str) -> str | None:
        """Give the first word of the directive that holds here."""
        node = self.last(name)
        return node.args[0].value if node and node.args else None

    def time(self, name: str) -> int | None:
        """Give its time in ms; None where nothing is said, or nothing that is a time."""
        word = self.word(name)
        return None if word is None else milliseconds(word)

    def count(self, name: str) -> int | None:
        word = self.word(name)
        return None if word is None else number(word)


def place(node: Node, token: Token | None = None) -> Place:
    at = token or node.name
    return Place(node.file, at.line, at.column, at.start, at.end)


def replace(where: Place, text: str) -> Edit:
    return Edit(where.file, where.start, where.end, text)


def remove_word(where: Place) -> Edit:
    """Take a word out, and the blank before it."""
    return Edit(where.file, where.start - 1, where.end, "")


def insert_after(node: Node, *lines: str) -> Edit:
    """Put lines behind a directive, indented as it is."""
    indent = "\n" + " " * (node.name.column - 1)
    text = "".join(indent + line for line in lines)
    return Edit(node.file, node.last.end, node.last.end, text)
