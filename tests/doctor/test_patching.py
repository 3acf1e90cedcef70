"""Fixes change what they name and not a byte else."""

import errno
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from reading import BOTH, report

from missing import missing
from surehop.doctor import Confidence, Finding, Severity, fix, render
from surehop.doctor.finding import Edit
from surehop.doctor.patching import apply, diff, settle

# Bytes that are no UTF-8, both kinds of line ends, no newline at the end.
ODD = b"# caf\xe9 \xff\r\nupstream app {\r\n\tserver  'localhost:3000'  weight=1 ;\n}\n# \xc3\xa9nd"


def test_every_other_byte_stays(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)

    ((file, backup),) = fix(told.findings, told.documents).written

    assert Path(file).read_bytes() == ODD.replace(b"localhost", b"127.0.0.1")
    assert Path(backup).read_bytes() == ODD
    assert sorted(path.name for path in tmp_path.iterdir()) == [".nginx.conf.orig", "nginx.conf"]


def test_an_older_backup_stays(tmp_path: Path) -> None:
    (tmp_path / ".nginx.conf.orig").write_text("precious")

    told = report(tmp_path, ODD, BOTH)
    ((_, backup),) = fix(told.findings, told.documents).written

    assert Path(backup).name == ".nginx.conf.orig.1"
    assert (tmp_path / ".nginx.conf.orig").read_text() == "precious"


def test_a_link_in_the_backups_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".nginx.conf.orig").symlink_to(tmp_path / "elsewhere")

    told = report(tmp_path, ODD, BOTH)
    ((_, backup),) = fix(told.findings, told.documents).written

    assert Path(backup).name == ".nginx.conf.orig.1"
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_is_not_included(tmp_path: Path) -> None:
    sites = tmp_path / "sites-enabled"
    sites.mkdir()
    (sites / "app").write_text("upstream app { server localhost:3000; }")
    text = "events {}\nhttp { include sites-enabled/*; }"

    told = report(tmp_path, text, BOTH)
    assert len(fix(told.findings, told.documents).written) == 1

    assert report(tmp_path, text, BOTH).findings == ()


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH, file="real.conf")
    (tmp_path / "real.conf").chmod(0o640)
    link = tmp_path / "link.conf"
    link.symlink_to("real.conf")
    edits = (Edit(str(link), 2, 3, "C"),)
    (found,) = told.findings

    fix([found._replace(fix=edits)], {str(link): ODD})

    assert link.is_symlink()
    assert (tmp_path / "real.conf").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "real.conf").read_bytes()[2:3] == b"C"


def test_nothing_unsure_is_written(tmp_path: Path) -> None:
    told = report(tmp_path, "upstream a { server 192.0.2.1 max_fails=0; server 192.0.2.2; }", BOTH)
    (found,) = told.findings

    assert found.confidence is not Confidence.HIGH
    assert found.fix
    assert fix(told.findings, told.documents).written == ()


def test_a_file_that_changed_is_left_alone(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)
    (tmp_path / "nginx.conf").write_text("new")

    fixed = fix(told.findings, told.documents)

    assert "it is not what was read" in fixed.trouble
    assert fixed.written == ()
    assert (tmp_path / "nginx.conf").read_text() == "new"


def test_what_can_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)
    full = ".nginx.conf." + "x" * 240  # with the backup's ending, a name that is too long
    long = (tmp_path / "nginx.conf").rename(tmp_path / full)
    (found,) = told.findings
    moved = found._replace(fix=tuple(each._replace(file=str(long)) for each in found.fix))

    fixed = fix([moved], {str(long): ODD})

    assert fixed.trouble == f"`{long}` can't be written: file name too long"
    assert [path.name for path in tmp_path.iterdir()] == [full]
    assert long.read_bytes() == ODD


def test_what_belongs_to_another_group_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    told = report(tmp_path, ODD, BOTH)
    file = tmp_path / "nginx.conf"
    before = file.stat()
    monkeypatch.setattr("os.fchown", refused)
    monkeypatch.setattr("os.getegid", lambda: -1)

    ((_, backup),) = fix(told.findings, told.documents).written

    after = file.stat()
    assert file.read_bytes() == ODD.replace(b"localhost", b"127.0.0.1")
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert Path(backup).read_bytes() == ODD
    assert len(list(tmp_path.iterdir())) == 2


def test_what_came_by_standard_input_is_not_written() -> None:
    fixed = fix([finding(Edit("-", 0, 1, "x"))], {"-": ODD})

    assert fixed.trouble == "`-` can't be written: it is no file"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_diff_that_is_shown_can_be_applied(form: str, end: str, tmp_path: Path) -> None:
    lines = ("upstream app {", "\tserver  localhost:3000;\t# one", "}", "# end")
    raw = end.join(lines).encode()
    told = report(tmp_path, raw, BOTH)
    shown = render(told, form)
    if form == "json":
        shown = json.loads(shown)["findings"][0]["diff"]

    program = shutil.which("patch") or missing("patch")
    words = [program, "--silent", str(tmp_path / "nginx.conf")]
    subprocess.run(words, input=shown.encode(), check=True, capture_output=True)

    assert (tmp_path / "nginx.conf").read_bytes() == raw.replace(b"localhost", b"127.0.0.1")


def finding(*edits: Edit) -> Finding:
    text = "of no interest"
    sure = Severity.INFO, Confidence.HIGH
    return Finding("SH000", text, *sure, text, text, text, text, text, fix=edits)


def test_what_overlaps_waits_whole_and_is_told(tmp_path: Path) -> None:
    told = report(tmp_path, ODD, BOTH)
    file = str(tmp_path / "nginx.conf")
    first = finding(Edit(file, 0, 6, "AAA"))
    second = finding(Edit(file, 5, 7, "B"), Edit(file, 20, 21, "B"))
    third = finding(Edit(file, 6, 6, "C"))

    fixed = fix([first, second, third], told.documents)

    assert fixed.held == (second,)
    assert (tmp_path / "nginx.conf").read_bytes() == b"AAAC" + ODD[6:]


def test_what_is_put_into_one_place_keeps_the_findings_order() -> None:
    edits = [Edit("f", 1, 1, "x"), Edit("f", 1, 2, "-"), Edit("f", 1, 1, "y"), Edit("f", 1, 1, "x")]

    assert apply(b"abc", edits) == b"axy-c"


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_edits_never_touch_each_other(raw: bytes, spans: list[tuple[int, int]]) -> None:
    edits = [Edit("f", min(at, len(raw)), min(at + size, len(raw)), "<>") for at, size in spans]
    chosen, held = settle(finding(edit) for edit in edits)

    made = list(dict.fromkeys(chosen.get("f", [])))
    assert len(chosen.get("f", [])) + len(held) == len(edits)
    kept = bytes(
        byte for at, byte in enumerate(raw) if not any(e.start <= at < e.end for e in made)
    )
    changed = apply(raw, made)
    assert len(changed) == len(kept) + 2 * len(made)
    rest = iter(changed)
    assert all(byte in rest for byte in kept)


def test_a_diff_says_where_a_newline_is_missing() -> None:
    told = diff(b"a\nb", [Edit("f", 2, 3, "c")], "/etc/f")

    assert told.splitlines()[:2] == ["--- a/etc/f", "+++ b/etc/f"]
    assert told.count("\\ No newline at end of file") == 2
