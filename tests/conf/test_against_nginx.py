"""The reader against a real `nginx -t`, one run a configuration."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
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


def test_broken_ones_as_an_ordinary_user(nginx: Program) -> None:
    nobody = 65534 if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which is closed to others
        prefix = Path(folder)
        (prefix / "logs").mkdir()
        for each in (prefix, prefix / "logs"):
            each.chmod(0o777)
        binary = shutil.copy(nginx.argv[0], prefix / "nginx")
        theirs = replace(nginx, argv=(str(binary), *nginx.argv[1:]))
        wanted = dict(list(expected(prefix).items())[::10])

        assert {text: said(theirs, prefix, text, nobody) for text in wanted} == wanted
