"""What the doctor does grows as what it reads does, and no faster."""

import sys
from pathlib import Path
from types import FrameType

from reading import report

from surehop.doctor.log_views import line

MESSAGES = (
    ("connect() failed (111: Connection refused)", "connecting"),
    ("recv() failed (104: Connection reset by peer)", "reading"),
    ("upstream timed out (110: Connection timed out)", "reading"),
    ("upstream prematurely closed connection", "reading"),
    ("no live upstreams", "connecting"),
)


def calls(folder: Path, peers: int) -> int:
    """How many functions are called for a log in which so many peers fail in every way."""
    text = "".join(
        line(message, doing, f"192.0.2.{number % 256}:{8000 + number // 256}").replace(
            "*7", f"*{at}"
        )
        for number in range(peers)
        for at, (message, doing) in enumerate(MESSAGES, 7 * number + 1)
    )
    counted = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        report(folder, text, file="error.log")
    finally:
        sys.setprofile(before)
    return counted


def test_four_times_the_peers_are_four_times_the_work(tmp_path: Path) -> None:
    calls(tmp_path, 1)  # what is made when it is first wanted
    few = calls(tmp_path, 20)

    assert calls(tmp_path, 80) < 6 * few
