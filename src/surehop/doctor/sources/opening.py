"""Targets -> bytes: files, directories, standard input; compressed ones are unpacked."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from surehop.errors import OptionError

STANDARD_INPUT = "-"
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_ZSTD = b"\x28\xb5\x2f\xfd"
_BACKUPS = (".orig", ".bak", ".dpkg-dist", ".rpmnew", ".rpmsave", "~", ".swp")


@dataclass(frozen=True, slots=True)
class Opened:
    """`packed`: it was compressed, so no edit can be made in it."""

    name: str
    raw: bytes
    packed: bool


def open_target(name: str) -> Opened:
    """Read one file. Raises OptionError."""
    try:
        raw = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        for magic, opener in _OPENERS.items():
            if raw.startswith(magic):
                return Opened(name, _unpack(opener, raw), packed=True)
    except (OSError, EOFError, lzma.LZMAError) as error:
        why = (getattr(error, "strerror", None) or str(error) or "error").lower()
        raise OptionError(f"`{name}` can't be read: {why}") from None
    if raw.startswith(_ZSTD):
        raise OptionError(f"`{name}` is packed with zstd", hint=f"`zstdcat {name} | … doctor -`")
    return Opened(name, raw, packed=False)


def files_of(name: str) -> Iterator[str]:
    """Give the target itself, or the files of a directory: its nginx.conf first, no backups."""
    path = Path(name)
    if name == STANDARD_INPUT or not path.is_dir():
        yield name
        return
    files = [
        each for each in path.rglob("*") if each.is_file() and not each.name.endswith(_BACKUPS)
    ]
    files.sort(key=lambda each: (each.name != "nginx.conf", len(each.parts), str(each)))
    yield from map(str, files)


def _unpack(opener: object, raw: bytes) -> bytes:
    import io  # noqa: PLC0415

    with cast("IO[bytes]", opener(io.BytesIO(raw))) as file:  # type: ignore[operator]
        return file.read()
