"""The reader against a real `nginx -t`, one run a configuration."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from broken_files import BROKEN, ODD, whole
from surehop.lab.subjects import Program

pytestmark = pytest.mark.peers

_EMERG = re.compile(r"\[emerg\] (?:\d+#\d+: )?(?P<message>.*)")


def said(nginx: Program, prefix: Path, text: str, user: int | None = None) -> str | None:
    """Give what `nginx -t` stops at, without the place if it names one; None: it is content."""
    (prefix / "nginx.conf").write_text(text)
    command = [*nginx.argv, "-p", str(prefix), "-c", "nginx.conf", "-e", "stderr", "-t"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, user=user)
    found = _EMERG.search(run.stderr)
    assert (found is None) == (run.returncode == 0), run.stderr
    return found["message"] if found else None


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def expected(prefix: Path) -> dict[str, str]:
    place = f" in {prefix / 'nginx.conf'}"
    return {
        broken.text: broken.message + (f"{place}:{broken.line}" if broken.line else "")
        for broken in BROKEN
    }


def test_broken_ones(nginx: Program, prefix: Path) -> None:
    wanted = expected(prefix)

    assert {text: said(nginx, prefix, text) for text in wanted} == wanted


def test_odd_ones(nginx: Program, prefix: Path) -> None:
    texts = [whole(context, snippet) for context, snippet in ODD]

    assert {text: said(nginx, prefix, text) for text in texts} == dict.fromkeys(texts)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_broken_ones_as_an_ordinary_user(nginx: Program, prefix: Path) -> None:
    nobody = 65534
    for folder in (prefix, prefix / "logs"):
        folder.chmod(0o777)
    reachable = prefix
    while reachable != reachable.parent:
        reachable = reachable.parent
        if not reachable.stat().st_mode & 0o001:
            pytest.skip(f"{reachable} is closed to others")
    wanted = dict(list(expected(prefix).items())[::10])

    assert {text: said(nginx, prefix, text, nobody) for text in wanted} == wanted
