"""Which crate may know which, read from `cargo metadata`; and who may write unsafe code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of our own crates, for whatever purpose, tests included.
MAY_USE = {
    "surehop-capture": {"surehop-engine"},
    "surehop-coding": set[str](),
    "surehop-engine": set[str](),
    "surehop-wire": set[str](),
    "surehop-hop": {"surehop-engine", "surehop-wire"},
    "surehop-proxy": {"surehop-engine", "surehop-wire", "surehop-hop"},
    "surehop-client": {"surehop-engine", "surehop-wire", "surehop-hop"},
    "surehop-python": {
        "surehop-capture",
        "surehop-client",
        "surehop-coding",
        "surehop-engine",
        "surehop-wire",
        "surehop-hop",
        "surehop-proxy",
    },
}
# What the pure crates may use of others': nothing that can do I/O, tell the time or draw a number.
PURE = {
    "surehop-capture": {"surehop-engine", "aho-corasick", "memchr", "serde", "serde_json"},
    "surehop-coding": {"brotli-decompressor", "flate2", "zstd-safe"},
    "surehop-engine": set[str](),
    "surehop-wire": {"itoa", "memchr"},
}
ON_TOP = "pyo3"
UNSAFE = re.compile(r"\b(?:allow|expect|warn)\s*\([^)]*\bunsafe_code\b")


def broken(metadata: dict[str, Any]) -> Iterator[str]:
    """Give a sentence for each dependency that no rule allows."""
    for package in metadata["packages"]:
        name = package["name"]
        if name not in MAY_USE:
            yield f"{name} has no rule: say in tests/contracts/crates.py whom it may use"
            continue
        for dependency in package["dependencies"]:
            other = dependency["name"]
            if other.startswith("surehop-") and other not in MAY_USE[name]:
                yield f"{name} may not use {other}"
            elif dependency["kind"] != "dev" and other not in PURE.get(name, {other}):
                yield f"{name} is pure and may not use {other}"
            elif other == ON_TOP and name != "surehop-python":
                yield f"{name} may not use {ON_TOP}: only surehop-python knows Python"


def unsafe(crates: Path) -> set[str]:
    """Give the crates in which a line allows unsafe code."""
    return {
        source.relative_to(crates).parts[0]
        for source in crates.rglob("*.rs")
        if UNSAFE.search(source.read_text("utf-8"))
    }
