"""Edits -> diffs, and files written anew: every byte that no edit names stays as it is."""

import errno
import itertools
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from surehop.doctor.finding import Confidence, Edit, Finding


class Fixed(NamedTuple):
    """Each file that was written, with its backup. `held` are findings for another run.

    `trouble` is why a file could not be written, and none after it was.
    """

    written: tuple[tuple[str, str], ...]
    held: tuple[Finding, ...]
    trouble: str = ""


def apply(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """Make the edits of one file, which don't overlap. What is put into one place keeps its order;
    the same edit twice is made once.
    """
    newline = b"\r\n" if b"\r\n" in raw else b"\n"
    parts, at = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, each.end)):
        text = edit.text.encode("utf-8", "surrogateescape").replace(b"\n", newline)
        parts += [raw[at : edit.start], text]
        at = edit.end
    return b"".join([*parts, raw[at:]])


def settle(findings: Iterable[Finding]) -> tuple[dict[str, list[Edit]], tuple[Finding, ...]]:
    """Choose the edits to make, by file, in the findings' order, and the findings to hold back.

    A finding whose edits overlap those of one before it is held back whole: what it saw will be
    another text by then.
    """
    edits: dict[str, list[Edit]] = {}
    held = []
    for finding in findings:
        if any(_overlap(new, old) for new in finding.fix for old in edits.get(new.file, ())):
            held.append(finding)
            continue
        for edit in finding.fix:
            edits.setdefault(edit.file, []).append(edit)
    return edits, tuple(held)


def _overlap(one: Edit, other: Edit) -> bool:
    """An insertion overlaps what it stands inside of, not what it stands beside."""
    return one != other and one.start < other.end and other.start < one.end


def diff(raw: bytes, edits: Iterable[Edit], file: str) -> str:
    """Give a unified diff; bytes that are no UTF-8 are carried as surrogates."""
    import difflib  # noqa: PLC0415 (logs are found fault with, and not changed)

    changed = apply(raw, edits)
    old, new = _lines(raw), _lines(changed)
    name = file.lstrip("/")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    )


def diff_of(finding: Finding, documents: Mapping[str, bytes]) -> str:
    """Give the whole fix of a finding, "" if it has none."""
    files = dict.fromkeys(edit.file for edit in finding.fix)
    return "".join(
        diff(documents[file], [e for e in finding.fix if e.file == file], file) for file in files
    )


def fix(findings: Iterable[Finding], documents: Mapping[str, bytes]) -> Fixed:
    """Write the fixes that are sure, until one can't be written.

    A file is replaced in one step, with the owner and the permissions it had, and only if it still
    is what was read. Where that is not allowed it is written in place.
    """
    edits, held = settle(each for each in findings if each.confidence is Confidence.HIGH)
    written: list[tuple[str, str]] = []
    for file, wanted in edits.items():
        try:
            backup = _rewrite(Path(file).resolve(), documents[file], wanted)  # a link stays a link
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            return Fixed(tuple(written), held, f"`{file}` can't be written: {why}")
        written.append((file, str(backup)))
    return Fixed(tuple(written), held)


def _rewrite(path: Path, raw: bytes, edits: Iterable[Edit]) -> Path:
    """Write a file anew, give its backup. Raises OSError: then nothing has changed."""
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is no file")
    if path.read_bytes() != raw:
        raise OSError(errno.EINVAL, "it is not what was read: it has changed, or is compressed")
    changed = apply(raw, edits)
    with ExitStack() as undo:
        backup = _spare(path)
        undo.callback(backup.unlink)
        backup.write_bytes(raw)
        backup.chmod(stat.S_IMODE(path.stat().st_mode))
        try:
            _replace(path, changed)
        except PermissionError:  # it belongs to others too: in place, or not at all
            with path.open("r+b") as file:
                undo.pop_all()
                file.write(changed)
                file.truncate()
        undo.pop_all()
    return backup


def _replace(path: Path, raw: bytes) -> None:
    """Put a file in its place, in one step, with the same owner and permissions."""
    import tempfile  # noqa: PLC0415 (few runs write)

    status = path.stat()
    handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(out.fileno(), status.st_uid, status.st_gid)
            os.fchmod(out.fileno(), stat.S_IMODE(status.st_mode))
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink()
        raise


def _spare(path: Path) -> Path:
    """Make an empty file for a backup, of a name that nobody has and no `include *` reads."""
    for number in itertools.count():
        backup = path.with_name(f".{path.name}.orig{f'.{number}' if number else ''}")
        with suppress(FileExistsError):
            backup.touch(0o600, exist_ok=False)
            return backup
    raise AssertionError("numbers do not end")


def _lines(raw: bytes) -> list[str]:
    text = raw.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
