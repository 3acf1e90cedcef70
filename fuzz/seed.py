"""Writes corpora from the cases that other tests have: `python fuzz/seed.py`.

What libFuzzer finds is added by `cargo +nightly fuzz cmin TARGET`, which keeps the fewest files
that reach the same.
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
# A longer case teaches nothing more, and slows every mutation of it.
LONGEST = 2048

sys.path[:0] = [str(ROOT / "tests" / room) for room in ("peers", "conf", "doctor")]
import broken_files  # noqa: E402  found by the line above
import captures  # noqa: E402
import log_lines  # noqa: E402
import wire_cases  # noqa: E402

from surehop.doctor import RULES  # noqa: E402


def _paths() -> list[bytes]:
    lines = [case.split(b"\r\n", 1)[0].split(b" ") for case in wire_cases.REQUESTS]
    return [line[1].removeprefix(b"/") for line in lines if len(line) > 1]


def _plans() -> list[bytes]:
    """Goldens without the blanks that make them fit to be read."""
    texts = [path.read_text() for path in sorted((ROOT / "tests/golden").glob("*.plan.json"))]
    return [json.dumps(json.loads(text), separators=(",", ":")).encode() for text in texts]


def _captures() -> list[bytes]:
    examples = [each for rule in RULES for each in rule.about.examples if each.kind == "capture"]
    return [captures.capture(text) for each in examples for text in (each.fires, each.quiet)]


def main() -> None:
    corpora = {
        "request": wire_cases.REQUESTS,
        "response": wire_cases.RESPONSES,
        "chunked": wire_cases.CHUNKED,
        "uri": _paths(),
        "packets": _captures(),
    }
    for target, cases in corpora.items():
        _write(target, [case for case in cases if len(case) <= LONGEST])
    _write("plan", _plans())
    _write("log", log_lines.SAMPLES)
    goldens = [path.read_bytes() for path in sorted((ROOT / "tests/golden").glob("*.conf"))]
    broken = [broken.text.encode() for broken in broken_files.BROKEN]
    _write("conf", [*goldens, *(text for text in broken if len(text) <= LONGEST)])


def _write(target: str, cases: list[bytes]) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        (folder / hashlib.sha1(case, usedforsecurity=False).hexdigest()[:12]).write_bytes(case)


if __name__ == "__main__":
    main()
