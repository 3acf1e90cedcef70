"""The pages of the project and the blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Not bench/results: a run writes them.
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("bench/spike/*.md")])
_FENCE = re.compile(r"^```(?P<words>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `words` stand after the fence: the language, then how it is to be taken."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def file(self) -> str | None:
        """The file that it is of a worked example."""
        return next((word for word in self.words[1:] if "." in word), None)

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path, text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, tuple(found["words"].split()), found["text"])


def blocks(*languages: str) -> list[Block]:
    every = (block for page in PAGES for block in blocks_of(page, page.read_text("utf-8")))
    return [block for block in every if block.language in languages]


def links_of(text: str) -> list[str]:
    """Give what a page links to, blocks of code aside."""
    return _LINK.findall(_FENCE.sub("", text))
