"""Programs are found, told their names, and their logs made comparable."""

import os
from pathlib import Path

import pytest

from surehop.lab.origins import Origin
from surehop.lab.ports import Port
from surehop.lab.subjects import (
    Program,
    Subject,
    SubjectError,
    find_nginx,
    listens,
    normalised,
    spelled_out,
)

TWO = {"two": ["127.0.0.1", "[::1]"]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "upstream a {\n  server two:80 weight=2;\n}",
            "upstream a {\n  server 127.0.0.1:80 weight=2; server [::1]:80 weight=2;\n}",
        ),
        (
            "upstream a { server one:1; server two:2; }",
            "upstream a { server one:1; server 127.0.0.1:2; server [::1]:2; }",
        ),
        ("upstream a { server one:1; }", "upstream a { server one:1; }"),
        ("server { listen 80; server_name two:80; }", "server { listen 80; server_name two:80; }"),
    ],
)
def test_names_are_spelled_out(written: str, meant: str) -> None:
    assert spelled_out(written, TWO) == meant


def test_normalised_lines_keep_all_but_the_accidental() -> None:
    line = (
        "2026/01/02 03:04:05 [error] 7#8: *9 connect() failed (111: Connection refused), "
        'upstream: "http://127.0.0.1:81/", host: "127.0.0.1:4711"'
    )
    assert normalised(line, 4711) == (
        "[error] connect() failed (111: Connection refused), "
        'upstream: "http://127.0.0.1:81/", host: "127.0.0.1:@PORT@"'
    )


def test_listening_is_seen_without_a_connection() -> None:
    with Port() as port:
        assert not listens(port.number)
        with Origin(port=port.number) as origin:
            assert listens(port.number)
            assert origin.stats().connections == 0


def program(folder: Path, script: str) -> Program:
    path = folder / "nginx"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Program("fake", (str(path),), "0", resolves=False)


@pytest.mark.parametrize(
    ("version", "found"), [("1.29.6", False), ("1.29.7", True), ("1.31.0", True), ("2.0.0", True)]
)
def test_an_old_nginx_is_not_current(tmp_path: Path, version: str, found: bool) -> None:
    fake = program(tmp_path, f"echo nginx version: nginx/{version} >&2")
    assert (find_nginx(fake.argv[0]) is not None) == found


def test_what_is_no_nginx_is_not_found(tmp_path: Path) -> None:
    assert find_nginx(str(tmp_path / "nothing")) is None
    assert find_nginx(program(tmp_path, "echo hello").argv[0]) is None


def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    fake = program(tmp_path, "echo no such directive >&2; exit 1")
    with pytest.raises(SubjectError, match="no such directive"), Subject(fake, ""):
        pass


def test_a_subject_runs_answers_and_goes(nginx: Program, tmp_path: Path) -> None:
    http = "server { listen 127.0.0.1:@PORT@; return 204; }"
    with Subject(nginx, http, prefix=tmp_path / "p") as subject:
        assert listens(subject.port)
        pid = subject.pid
    assert not listens(subject.port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (tmp_path / "p/nginx.conf").exists()
