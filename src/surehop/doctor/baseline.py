"""A file of findings that are known and are not told again."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from surehop.doctor.finding import Finding
from surehop.errors import OptionError

_VERSION = 1


def fingerprint(finding: Finding) -> str:
    """Know a finding again though its line has moved; 16 hexadecimal digits."""
    import hashlib  # noqa: PLC0415 (it draws OpenSSL in; a report as text knows none)

    file = Path(finding.place.file).name if finding.place else ""
    words = f"{finding.id}\0{file}\0{finding.subject}"
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_baseline(path: Path) -> frozenset[str]:
    """Raises OptionError if the file can't be read, or is no baseline."""
    hint = "`--write-baseline FILE` writes one"
    try:
        return _fingerprints(json.loads(path.read_bytes()))
    except OSError as error:
        why = (error.strerror or "error").lower()
        raise OptionError(f"baseline `{path}` can't be read: {why}", hint=hint) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OptionError(f"`{path}` is no baseline", hint=hint) from None


def _fingerprints(known: Any) -> frozenset[str]:
    if known["version"] != _VERSION:
        raise ValueError(f"version {known['version']}")
    return frozenset(str(each["fingerprint"]) for each in known["findings"])


def write_baseline(path: Path, findings: Iterable[Finding]) -> None:
    """Raises OptionError if the file can't be written."""
    known = [
        {"fingerprint": fingerprint(each), "id": each.id, "title": each.title} for each in findings
    ]
    text = json.dumps({"version": _VERSION, "findings": known}, indent=2) + "\n"
    try:
        path.write_text(text, "utf-8", "replace")
    except OSError as error:
        why = (error.strerror or "error").lower()
        raise OptionError(f"baseline `{path}` can't be written: {why}") from None
