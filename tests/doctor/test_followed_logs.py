"""Logs that grow, are moved away and cut short; and what of that is told."""

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from reading import options

from surehop.doctor import Examination, Finding, Severity, Watch
from surehop.doctor.log_views import line
from surehop.doctor.watching import QUIET_S, Event
from surehop.errors import OptionError

REFUSED = line("connect() failed (111: Connection refused)", "connecting", "192.0.2.1:80")
RESET = line("recv() failed (104: Connection reset by peer)", "reading", "192.0.2.1:80")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    log = tmp_path / "error.log"
    log.write_text(REFUSED)
    return log


@pytest.fixture
def followed(log: Path) -> Iterator[Examination]:
    with closing(Examination([str(log)], options(), follow=True)) as examination:
        yield examination


def counted(examination: Examination) -> dict[str, int]:
    """How often each kind of message was read, by its word."""
    counts: dict[str, int] = {}
    for each in examination.report().logs.tallies:
        counts[each.word] = counts.get(each.word, 0) + each.count
    return counts


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_what_comes_is_read_on(log: Path, followed: Examination) -> None:
    assert counted(followed) == {"connect": 1}
    assert not followed.read_on()
    append(log, RESET)
    assert followed.read_on()
    assert counted(followed) == {"connect": 1, "reset": 1}
    assert not followed.read_on()


def test_half_a_line_is_waited_for(log: Path, followed: Examination) -> None:
    append(log, RESET[:70])
    assert followed.read_on()
    assert counted(followed) == {"connect": 1}
    append(log, RESET[70:])
    assert followed.read_on()
    assert counted(followed) == {"connect": 1, "reset": 1}


def test_a_log_that_is_moved_away_and_begun_anew(log: Path, followed: Examination) -> None:
    append(log, RESET)
    log.rename(log.with_suffix(".1"))
    assert followed.read_on()  # to the end of the old one
    assert not followed.read_on()  # there is no new one yet
    append(log.with_suffix(".1"), RESET)  # a writer that has not been told
    log.write_text("")
    assert followed.read_on()
    append(log, REFUSED)
    assert followed.read_on()
    assert counted(followed) == {"connect": 2, "reset": 2}


def test_a_log_that_is_cut_short(log: Path, followed: Examination) -> None:
    append(log, RESET)
    assert followed.read_on()
    with log.open("r+") as file:
        file.truncate()
    assert not followed.read_on()
    append(log, RESET)
    assert followed.read_on()
    assert counted(followed) == {"connect": 1, "reset": 2}


def test_a_log_that_was_empty(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text("")
    with closing(Examination([str(log)], options(), follow=True)) as examination:
        assert not examination.read_on()
        append(log, REFUSED)
        assert examination.read_on()
        assert counted(examination) == {"connect": 1}


def test_a_log_that_may_not_be_read_any_more(log: Path, followed: Examination) -> None:
    log.unlink()
    log.symlink_to(log)
    with pytest.raises(OptionError):
        followed.read_on()


def findings(examination: Examination) -> tuple[Finding, ...]:
    return examination.report().findings


def test_the_changes_of_a_log(log: Path, followed: Examination) -> None:
    watch = Watch()
    assert [(each.event, each.finding.id) for each in watch.begin(findings(followed))] == [
        (Event.KNOWN, "SH044")
    ]
    assert not [*watch.rest(QUIET_S)]  # it was quiet from the first

    append(log, RESET)
    followed.read_on()
    (change,) = watch.take(findings(followed), 100)
    assert (change.event, change.finding.id) == (Event.NEW, "SH005")

    append(log, REFUSED + RESET)
    followed.read_on()
    (change,) = watch.take(findings(followed), 110)
    assert (change.event, change.finding.id) == (Event.AGAIN, "SH044")

    assert [*watch.rest(109 + QUIET_S)] == []
    assert {each.event for each in watch.rest(110 + QUIET_S)} == {Event.QUIET}
    assert [*watch.rest(111 + QUIET_S)] == []


def test_a_finding_that_is_worse(followed: Examination) -> None:
    watch = Watch()
    (worse,) = findings(followed)
    list(watch.begin([worse._replace(severity=Severity.INFO)]))

    (change,) = watch.take([worse], 0)
    assert change.event is Event.WORSE
    assert [*watch.take([worse], 1)] == []


def test_a_folder_gets_a_log(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "error.log").write_text(REFUSED)
    with closing(Examination([str(tmp_path)], options(), follow=True)) as examination:
        assert not examination.read_on()
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "other.log").write_text(RESET)
        assert examination.read_on()
        assert counted(examination) == {"connect": 1, "reset": 1}
        append(tmp_path / "sub" / "other.log", RESET)
        assert examination.read_on()
        assert counted(examination) == {"connect": 1, "reset": 2}
        assert not examination.read_on()


def test_what_is_rotated_in_a_folder_is_read_once(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text(REFUSED)
    (tmp_path / "error.log.1").write_text(RESET)
    with closing(Examination([str(tmp_path)], options(), follow=True)) as examination:
        (tmp_path / "error.log.1").rename(tmp_path / "error.log.2")
        log.rename(tmp_path / "error.log.1")
        log.write_text(RESET)
        (tmp_path / "error.log-20260105.gz").write_bytes(gzip.compress(REFUSED.encode()))

        assert examination.read_on()
        assert counted(examination) == {"connect": 1, "reset": 2}


def test_a_log_that_begins_empty_is_read_by_its_format(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.touch()
    conf = tmp_path / "nginx.conf"
    conf.write_text("http { log_format mine '<$status> $upstream_addr $upstream_status $msec'; }")
    with closing(Examination([str(tmp_path)], options(), follow=True)) as examination:
        append(log, "<502> 192.0.2.1:80 502 1767607200.000\n" * 2)

        assert examination.read_on()
        assert counted(examination)["502"] == 2
