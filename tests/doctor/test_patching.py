"""Fixes change what they name and not a byte else."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from reading import BOTH, report

from surehop.doctor import Confidence, fix
from surehop.doctor.finding import Edit
from surehop.doctor.patching import apply, diff

# Bytes that are no UTF-8, both kinds of line ends, no newline at the end.
ODD = b"# caf\xe9 \xff\r\nupstream app {\r\n\tserver  'localhost:3000'  weight=1 ;\n}\n# \xc3\xa9nd"


def test_every_other_byte_stays(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)

    ((file, backup),) = fix(told.findings, told.documents)

    assert Path(file).read_bytes() == ODD.replace(b"localhost", b"127.0.0.1")
    assert Path(backup).read_bytes() == ODD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nginx.conf", "nginx.conf.orig"]


def test_an_older_backup_stays(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf.orig").write_text("precious")

    told = report(tmp_path, ODD, BOTH)
    ((_, backup),) = fix(told.findings, told.documents)

    assert Path(backup).name == "nginx.conf.orig.1"
    assert (tmp_path / "nginx.conf.orig").read_text() == "precious"


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH, file="real.conf")
    (tmp_path / "real.conf").chmod(0o640)
    link = tmp_path / "link.conf"
    link.symlink_to("real.conf")
    edits = (Edit(str(link), 2, 3, "C"),)
    (found,) = told.findings

    fix([replace(found, fix=edits)], {str(link): ODD})

    assert link.is_symlink()
    assert (tmp_path / "real.conf").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "real.conf").read_bytes()[2:3] == b"C"


def test_nothing_unsure_is_written(tmp_path: Path) -> None:
    told = report(tmp_path, "upstream a { server 192.0.2.1 max_fails=0; server 192.0.2.2; }", BOTH)
    (found,) = told.findings

    assert found.confidence is not Confidence.HIGH
    assert found.fix
    assert fix(told.findings, told.documents) == []


def test_a_file_that_changed_is_left_alone(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)
    (tmp_path / "nginx.conf").write_text("new")

    with pytest.raises(OSError, match="has changed"):
        fix(told.findings, told.documents)

    assert (tmp_path / "nginx.conf").read_text() == "new"


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_edits_never_touch_each_other(raw: bytes, spans: list[tuple[int, int]]) -> None:
    edits = [Edit("f", min(at, len(raw)), min(at + size, len(raw)), "<>") for at, size in spans]

    changed = apply(raw, edits)

    removed = {at for edit in edits for at in range(edit.start, edit.end)}
    kept = bytes(byte for at, byte in enumerate(raw) if at not in removed)
    rest = iter(changed)
    assert all(byte in rest for byte in kept)


def test_a_diff_says_where_a_newline_is_missing() -> None:
    told = diff(b"a\nb", [Edit("f", 2, 3, "c")], "/etc/f")

    assert told.splitlines()[:2] == ["--- a/etc/f", "+++ b/etc/f"]
    assert told.count("\\ No newline at end of file") == 2
