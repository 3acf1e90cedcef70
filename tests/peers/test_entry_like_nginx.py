"""Who may enter, how many, and whose request it is, against nginx."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from entry_setup import CASES, HTTP, USERS, steady
from likeness import Bench, Case, unlike, variables

from raw import Raw, get
from scripted import OK, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject
from waiting import eventually

_LOGGED = variables(
    (
        *("status", "body_bytes_sent", "uri", "args", "remote_addr", "remote_user", "remote_port"),
        *("sent_http_www_authenticate", "upstream_status", "limit_req_status", "limit_conn_status"),
        *("realip_remote_addr", "binary_remote_addr", "here", "request_method", "server_name"),
        "request_length",
    )
)
_LIMITING = 'limiting connections by zone "conn", client: 127.0.0.1'


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Scripted]]:
    folder: Path = tmp_path_factory.mktemp("users")
    (folder / "users").write_bytes(USERS.replace("crlf:{PLAIN}good", "crlf:{PLAIN}good\r").encode())
    for each in (folder, folder / "users", *folder.parents[:2]):
        each.chmod(0o755)
    with Scripted() as origin, Port() as refused:
        text = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        yield text.replace("FOLDER", str(folder)), origin


@pytest.fixture(scope="module")
def subjects(
    nginx: Program, surehop_nginx: Program, http: tuple[str, Scripted]
) -> Iterator[tuple[Subject, Subject]]:
    with (
        Subject(nginx, http[0], variables=_LOGGED) as theirs,
        Subject(surehop_nginx, http[0], variables=_LOGGED) as ours,
    ):
        yield theirs, ours


@pytest.fixture(scope="module")
def benches(
    nginx: Program,
    surehop_nginx: Program,
    http: tuple[str, Scripted],
    subjects: tuple[Subject, Subject],
) -> tuple[Bench, Bench]:
    theirs, ours = subjects
    return Bench(nginx, theirs, http[1]), Bench(surehop_nginx, ours, http[1])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_entry_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = ([steady(line) for line in bench.run(case).lines()] for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"


def test_no_more_connections_than_allowed(
    http: tuple[str, Scripted], subjects: tuple[Subject, Subject]
) -> None:
    origin = http[1]
    for subject in subjects:
        origin.take()
        origin.play("hang")
        with Raw(subject.port) as first:
            first.send(get("/conn/once?c=many", close=True))
            origin.wait_begun()
            with Raw(subject.port) as second:
                assert second.answer(get("/conn/once?c=many", close=True))[0] == 503
            origin.play(OK)
            with Raw(subject.port) as other:
                assert other.answer(get("/conn/once?c=other", close=True))[0] == 200
        eventually(partial(limiting, subject))
        eventually(partial(admitted, subject.port))


def limiting(subject: Subject) -> bool:
    return any(_LIMITING in line for line in subject.error_log("error"))


def admitted(port: int) -> bool:
    with Raw(port) as client:
        return client.answer(get("/conn/once?c=many", close=True))[0] == 200
