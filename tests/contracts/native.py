"""Which rooms import the native module. import-linter can't see it: it is no Python file."""

import ast
from collections.abc import Iterator
from pathlib import Path

MODULE = "surehop._core"
ROOMS = {"proxy", "client", "doctor", "lab"}


def importers(package: Path) -> set[str]:
    """Give the modules of `package` that import the native one, by path."""
    return {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if MODULE in _imported(path, package)
    }


def room_of(module: str) -> str:
    return Path(module).parts[0].removesuffix(".py")


def _imported(path: Path, package: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = [package.name, *path.relative_to(package).parts][: -node.level or None]
            base = ".".join(outer) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
