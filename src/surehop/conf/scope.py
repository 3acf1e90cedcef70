"""Where a directive stands: its block, the blocks around it, and what they say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from surehop.conf.tree import Node
from surehop.errors import ConfigError


class Context(StrEnum):
    """The blocks of a configuration; `main` is the file itself."""

    MAIN = "main"
    EVENTS = "events"
    HTTP = "http"
    SERVER = "server"
    LOCATION = "location"
    UPSTREAM = "upstream"
    TYPES = "types"
    SERVER_IF = "if in server"
    LOCATION_IF = "if in location"
    LIMIT_EXCEPT = "limit_except"
    VALUES = "values"  # of keys and values, read by whoever opened it


@dataclass(frozen=True, slots=True)
class Setting:
    """One directive that was read, with its value."""

    node: Node
    value: Any


@dataclass(slots=True)
class Findings:
    """What one reading found wrong: `errors` where nginx stops, `late` what it sees at the end."""

    errors: list[ConfigError] = field(default_factory=list)
    late: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    without_effect: list[ConfigError] = field(default_factory=list)
    # variables the configuration makes, by their names; names used that nginx does not know itself
    variables: dict[str, Any] = field(default_factory=dict)
    unknown: list[tuple[str, ConfigError]] = field(default_factory=list)
    regexes: list[Any] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)  # shared memory by name: whose it is
    upstreams: set[str] = field(default_factory=set)  # their names, in lower case
    # log files by their paths, with how they are buffered: nginx opens also those nobody writes to
    log_files: dict[str, Any] = field(default_factory=dict)
    listens: dict[str, Any] = field(default_factory=dict)  # addresses: who listens there, and how
    included: Callable[[Node], tuple[Any, ...]] = lambda _node: ()


@dataclass(eq=False, slots=True)
class Scope:
    """One block while it is read. `node` is the directive that opened it (None: the file)."""

    context: Context
    node: Node | None
    parent: "Scope | None"
    findings: Findings
    settings: dict[str, list[Setting]] = field(default_factory=dict)
    children: list["Scope"] = field(default_factory=list)
    steps: list[Any] = field(default_factory=list)  # of the rewrite module, in order

    def child(self, context: Context, node: Node) -> "Scope":
        inner = Scope(context, node, self, self.findings)
        self.children.append(inner)
        return inner

    def outward(self) -> Iterator["Scope"]:
        """Give this block and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def own(self, name: str) -> list[Setting]:
        return self.settings.get(name, [])

    def own_value(self, name: str) -> Any:
        """Give the value that this block itself sets, or None."""
        own = self.own(name)
        return own[0].value if own else None

    def within(self, context: Context) -> Iterator["Scope"]:
        return (child for child in self.children if child.context is context)


Reader = Callable[[Node, Scope], Any]


def not_yet(node: Node, what: str, *, hint: str | None = None) -> ConfigError:
    """Refuse by name what nginx can do and Surehop can't."""
    return node.fail(f"{what} that surehop does not support", hint=hint)
