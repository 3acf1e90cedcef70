"""Targets, includes, comments that keep back."""

import os
from pathlib import Path

import pytest
from reading import BOTH, ids, options, report

from surehop.doctor import Confidence, Severity, examine
from surehop.doctor.patching import diff_of
from surehop.errors import OptionError

TWO = "events {}\nhttp {\n    upstream app { server localhost:3000; }\n}\n"


def test_the_first_incident_is_found_from_the_names_alone(tmp_path: Path) -> None:
    told = report(tmp_path, TWO, BOTH)

    (found,) = told.findings
    assert (found.id, found.severity, found.confidence) == (
        "SH001",
        Severity.WARNING,
        Confidence.HIGH,
    )
    assert found.place is not None
    assert (found.place.line, found.place.column) == (3, 27)
    diff = diff_of(found, told.documents)
    assert "\n-    upstream app { server localhost:3000; }\n" in diff
    assert "\n+    upstream app { server 127.0.0.1:3000; }\n" in diff


def test_the_third_incident_has_two_causes_and_their_product(tmp_path: Path) -> None:
    (unsaid,) = report(tmp_path, TWO, BOTH).findings
    name, race = report(tmp_path, TWO, BOTH, version="1.31.5").findings
    (old,) = report(tmp_path, TWO, BOTH, version="1.24.0").findings

    assert (name.id, race.id) == ("SH001", "SH006")
    assert "two servers. If one refuses (SH001)" in race.text
    assert "closes a kept connection just as a request goes out on it (SH004)" in race.text
    assert "every request gets 502 at once" in race.text
    assert "1.29.7" in unsaid.text
    assert "(SH004) is enough for that (SH006)" in unsaid.text
    assert "1.29.7" not in name.text + old.text


def test_one_family_is_nothing(tmp_path: Path) -> None:
    assert ids(report(tmp_path, TWO, {"localhost": "127.0.0.1"})) == []
    assert ids(report(tmp_path, TWO)) == ["SH015"]  # nobody knows the name


def test_includes_are_followed(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    part = tmp_path / "conf.d" / "app.conf"
    part.write_text("upstream app { server localhost:3000; }\n")
    text = "events {}\nhttp {\n  include mime.types;\n  include conf.d/*.conf;\n}\n"

    told = report(tmp_path, text, BOTH)

    assert ids(told) == ["SH001"]
    assert told.findings[0].place is not None
    assert told.findings[0].place.file == str(part)
    (note,) = told.notes
    assert note.endswith(
        "mime.types` can't be read (no such file or directory): the rest is judged"
    )


def test_a_part_alone_includes_what_nginx_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include conf.d/*.conf; }\n")
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets/app.conf").write_text("upstream app { server localhost:3000; }\n")
    (tmp_path / "conf.d").mkdir()
    monkeypatch.chdir(tmp_path / "conf.d")
    for file, above in (("site.conf", ".."), (str(tmp_path / "conf.d/site.conf"), str(tmp_path))):
        Path(file).write_text("include snippets/app.conf;\nserver { }\n")

        told = examine([file], options(BOTH))

        (found,) = told.findings
        assert found.place is not None
        assert found.place.file == f"{above}/snippets/app.conf"
        assert told.notes == (f"{file}:1: looked for in `{above}`, where nginx.conf is",)


def test_a_whole_configuration_is_its_own_prefix(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("events {}\n")
    (tmp_path / "app.conf").write_text("upstream above { server localhost:3000; }\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/app.conf").write_text("upstream app { server localhost:3000; }\n")

    told = report(tmp_path, "http { include app.conf; }", BOTH, file="other/test.conf")

    assert [each.place.file for each in told.findings if each.place] == [
        str(tmp_path / "other/app.conf")
    ]


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    told = report(tmp_path, "http { include nginx.conf; upstream a { server localhost:1; } }", BOTH)

    assert ids(told) == ["SH001"]
    assert "included by itself" in told.notes[0]


def test_what_is_broken_is_told_and_the_rest_judged(tmp_path: Path) -> None:
    told = report(tmp_path, TWO + '}\nserver "unclosed', BOTH)

    assert ids(told) == ["SH001"]
    assert any('unexpected "}"' in note for note in told.notes)


def test_deep_blocks_and_any_bytes_are_borne(tmp_path: Path) -> None:
    report(tmp_path, "http " + "{ a " * 5000, BOTH)
    report(
        tmp_path, b"http { upstream a { server \xff\xfe\x80:1; } proxy_pass; set; map a; }", BOTH
    )


@pytest.mark.parametrize(
    "text",
    [
        "upstream app {\n  server localhost:3000; # surehop: ignore SH001\n}",
        "upstream a {\n # surehop: ignore name-resolves-to-two-families\n server localhost:1;\n}",
        "# surehop: ignore SH008, sh001\nupstream app {\n  server localhost:3000;\n}",
        "upstream a {\n # surehop: ignore SH001 because we know\n server localhost:1;\n}",
        "upstream a {\n # surehop: ignore SH001: both are served\n server localhost:1;\n}",
        "upstream a {\n # surehop: ignore SH001 -- SH999 too\n server localhost:1;\n}",
    ],
)
def test_comments_keep_back(tmp_path: Path, text: str) -> None:
    told = report(tmp_path, text, BOTH)

    assert ids(told) == []
    assert told.hidden == 1
    assert told.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "upstream app {\n  server localhost:3000; # surehop: ignore SH008\n}",
        "# surehop: ignore-file SH001\nupstream app {\n  server localhost:3000;\n}",
        "# surehop: ignore SH001\nmap $a $b { }\nupstream app {\n  server localhost:3000;\n}",
    ],
)
def test_comments_keep_nothing_else_back(tmp_path: Path, text: str) -> None:
    assert ids(report(tmp_path, text, BOTH)) == ["SH001"]


def test_a_comment_that_names_no_finding_is_told(tmp_path: Path) -> None:
    told = report(tmp_path, "upstream a { server 192.0.2.1; } # surehop: ignore SH999\n")

    assert "there is no such finding" in told.notes[0]


def test_a_directory_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "site.conf").write_text("upstream app { server localhost:3000; }\n")
    (tmp_path / "nginx.conf").write_text("events {}\nhttp { include site.conf; }\n")
    (tmp_path / "notes.txt").write_text("nothing of ours\n")
    (tmp_path / "README.md").write_text("upstream app { server localhost:3000; }\n")

    told = examine([str(tmp_path)], options(BOTH))

    assert [Path(each.name).name for each in told.targets] == ["nginx.conf"]
    assert ids(told) == ["SH001"]


def test_what_is_unknown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(64) + b"\0")
    for target in ("a", "missing", ""):
        if target:
            with pytest.raises(OptionError):
                examine([str(tmp_path / target)], options())


def test_one_bad_file_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(TWO)
    (tmp_path / "error.log.gz").write_bytes(b"\x1f\x8b\x08 cut")

    told = examine([str(tmp_path)], options(BOTH))

    assert ids(told) == ["SH001"]
    assert "error.log.gz` can't be read" in told.notes[0]


def test_a_line_of_many_words_takes_no_time(tmp_path: Path) -> None:
    head = "2026/01/05 10:00:00 [error] 1#1: *1 "

    told = report(
        tmp_path, head + " while a" * 100_000 + "\n" + head + ", client: " * 9999, file="l"
    )

    assert told.logs.unknown == 2


def test_a_folder_with_nothing_in_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(TWO)
    (tmp_path / "log").mkdir()
    empty = str(tmp_path / "log")

    told = examine([str(tmp_path / "nginx.conf"), empty], options(BOTH))

    assert ids(told) == ["SH001"]
    assert told.notes == (f"nothing in `{empty}` is known here",)
    with pytest.raises(OptionError, match="is known here"):
        examine([empty], options(BOTH))
