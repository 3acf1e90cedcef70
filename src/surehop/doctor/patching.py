"""Edits -> diffs, and files written anew: every byte that no edit names stays as it is."""

import difflib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from surehop.doctor.finding import Confidence, Edit, Finding


def apply(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """Make the edits of one file. Where two overlap, the later one is left out."""
    chosen: list[Edit] = []
    for edit in edits:
        clash = any(
            edit == other or (edit.start < other.end and other.start < edit.end) for other in chosen
        )
        if not clash:
            chosen.append(edit)
    newline = b"\r\n" if b"\r\n" in raw else b"\n"
    for edit in sorted(chosen, key=lambda each: each.start, reverse=True):
        text = edit.text.encode("utf-8", "surrogateescape").replace(b"\n", newline)
        raw = raw[: edit.start] + text + raw[edit.end :]
    return raw


def diff(raw: bytes, edits: Iterable[Edit], file: str) -> str:
    """Give a unified diff; bytes that are no UTF-8 are carried as surrogates."""
    changed = apply(raw, edits)
    old, new = _lines(raw), _lines(changed)
    name = file.lstrip("/")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    )


def diff_of(finding: Finding, documents: dict[str, bytes]) -> str:
    """Give the whole fix of a finding, "" if it has none."""
    files = dict.fromkeys(edit.file for edit in finding.fix)
    return "".join(
        diff(documents[file], [e for e in finding.fix if e.file == file], file) for file in files
    )


def fix(findings: Iterable[Finding], documents: dict[str, bytes]) -> list[tuple[str, str]]:
    """Write the fixes that are sure; gives each file and its backup. Raises OSError.

    A file is replaced in one step, with the permissions it had, and only if it still is what was
    read.
    """
    edits: dict[str, list[Edit]] = {}
    for finding in findings:
        if finding.confidence is Confidence.HIGH:
            for edit in finding.fix:
                edits.setdefault(edit.file, []).append(edit)
    written = []
    for file, wanted in edits.items():
        path = Path(file).resolve()  # a link stays a link
        if path.read_bytes() != documents[file]:
            raise OSError(f"`{file}` has changed since it was read")
        backup = _backup(path)
        shutil.copy2(path, backup)
        fresh = path.with_name(f".{path.name}.surehop")
        shutil.copy2(path, fresh)
        fresh.write_bytes(apply(documents[file], wanted))
        _keep_owner(path, fresh)
        fresh.replace(path)
        written.append((file, str(backup)))
    return written


def _keep_owner(path: Path, fresh: Path) -> None:
    status = path.stat()
    if (status.st_uid, status.st_gid) != (fresh.stat().st_uid, fresh.stat().st_gid):
        os.chown(fresh, status.st_uid, status.st_gid)


def _backup(path: Path) -> Path:
    """Give a name that nobody has: an older backup is never overwritten."""
    backup = path.with_name(f"{path.name}.orig")
    number = 1
    while backup.exists():
        backup = path.with_name(f"{path.name}.orig.{number}")
        number += 1
    return backup


def _lines(raw: bytes) -> list[str]:
    text = raw.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
