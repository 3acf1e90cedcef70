"""`surehop probe`: what it prints and how it exits."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surehop.cli import main
from surehop.lab.origins import Origin
from surehop.lab.ports import Port
from waiting import eventually


def run(*words: str) -> int:
    return main(["probe", *words])


def test_exit_codes(origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(origin.url, "--max-wait=0") == 0
    with Port() as port:
        nobody = f"http://127.0.0.1:{port.number}/"
        assert run(nobody) == 1
        assert run(nobody, "--fail-on=never") == 0
    assert "[SH044 nobody-listens]" in capsys.readouterr().out
    assert run(origin.url.replace("http:", "https:")) == 1
    assert "\n  trouble       it speaks no TLS here\n" in capsys.readouterr().out
    for words in [
        ("no-url",),
        ("ftp://example.com/",),
        (origin.url, "--max-wait=-1"),
        (origin.url, "--max-wait=nan"),
        (origin.url, "--max-wait=long"),
        (origin.url, "--connections=many"),
        (origin.url, "--method=POST"),
        (origin.url, "--resolve=nonsense"),
        ("http://x.invalid/", "--hosts=/nowhere"),
    ]:
        assert run(*words) == 2, words
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "argument --max-wait: `long` is no number" in told


def test_text(origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    run(origin.url, "--max-wait=0", "--connections=3")

    told = capsys.readouterr()
    first, *_, last = told.out.splitlines()
    assert first == f"{origin.url}/"
    assert "\n  at once       3 connections: 3 times 200, the slowest after " in told.out
    assert "\x1b" not in told.out + told.err
    assert last == "nothing found"
    assert told.err.startswith(f"probe {origin.url}/: at most 14 GET requests, one with ")


def test_json(origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    run(origin.url, "--max-wait=0", "--method=HEAD", "--format=json")

    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    (sheet,) = told["probes"]
    assert sheet["url"] == f"{origin.url}/"
    assert sheet["addresses"][0]["address"] == f"127.0.0.1:{origin.port}"
    assert sheet["answered"]["status"] == 200
    assert sheet["kept"]["answers"] == 10


def test_an_interrupt_shows_what_is_known() -> None:
    program = Path(sys.executable).with_name("surehop")
    with (
        Origin(keepalive_timeout=60) as origin,
        subprocess.Popen(
            [program, "probe", origin.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as probe,
    ):
        # Those of keep-alive and of 100 Continue; three more rest.
        eventually(lambda: origin.stats().requests >= 14, within=60)
        probe.send_signal(signal.SIGINT)
        out, err = probe.communicate(timeout=60)

    assert probe.returncode == 0
    assert "\n  stopped       before all was known\n" in out
    assert "\n  keep-alive    10 requests on one connection\n" in out
    assert "Traceback" not in err
