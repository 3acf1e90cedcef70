"""What the data process may do, and what it holds."""

import os
import re
import tempfile
from pathlib import Path

import pytest
from front import data_process, running, server

from raw import Raw
from surehop.lab.subjects import Program, Subject
from surehop.plan.identity import Identity
from surehop.proxy.privileges import drop_privileges

NOBODY = Identity("nobody", 65534, 65534)
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def told(pid: int | str) -> dict[str, str]:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)


def in_a_child(*, as_whom: Identity | None) -> tuple[dict[str, str], str]:
    """What a process is after it has dropped its privileges, and what opening root's key gives."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        key = Path(folder) / "key.pem"
        key.write_text("secret")
        key.chmod(0o600)
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                drop_privileges(as_whom)
                # Bytes and descriptors: what Python would have to import may be root's as well.
                os.write(theirs, _read(str(key)) + b"\n" + _read("/proc/self/status"))
            except BaseException as e:  # noqa: BLE001  it must not go on as a test
                os.write(theirs, f"{type(e).__name__}: {e}\n".encode())
            finally:
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours) as answer:
            opened, _, status = answer.read().partition("\n")
        os.waitpid(pid, 0)
    return dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line), opened


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY)
    except PermissionError:
        return b"refused"
    return os.read(file, 65536)


@ROOT_ONLY
def test_root_becomes_somebody_without_any_capability() -> None:
    status, opened = in_a_child(as_whom=NOBODY)
    assert opened == "refused", "a key file of root's stays root's"
    assert {int(status[name], 16) for name in CAPABILITIES} == {0}
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
    assert status["NoNewPrivs"] == "1"


@ROOT_ONLY
def test_who_serves_as_root_on_purpose_gets_no_more_than_that() -> None:
    status, opened = in_a_child(as_whom=None)
    assert opened == "secret"
    assert status["NoNewPrivs"] == "1"


@ROOT_ONLY
def test_the_data_process_holds_no_capability(surehop: Program) -> None:
    with Subject(
        surehop, server("location / { return 200 here; }"), main="user nobody nogroup;"
    ) as subject:
        with Raw(subject.port) as client:
            assert client.answer()[2] == b"here"
        status = told(data_process(subject))
        assert {int(status[name], 16) for name in CAPABILITIES} == {0}


EXPECTED = re.compile(r"/dev/null|.*/logs/(output|access|error)\.log|socket:.*|anon_inode:.*")


def test_the_data_process_holds_no_descriptor_it_does_not_need(surehop: Program) -> None:
    """Whatever whoever starts it left open: nothing of it is passed on."""
    with tempfile.TemporaryFile() as stray:
        os.set_inheritable(stray.fileno(), True)
        with (
            running(surehop, server("location / { return 200 here; }")) as subject,
            Raw(subject.port) as client,
        ):
            assert client.answer()[2] == b"here"
            client.close()
            folder = Path(f"/proc/{data_process(subject)}/fd")
            links = [os.readlink(fd) for fd in folder.iterdir()]  # noqa: PTH115  not a path
    assert [link for link in links if not EXPECTED.fullmatch(link)] == []
    # stdin and two outputs; the control socket twice; logs; a reactor, its alarm, a listener.
    assert len(links) <= 12
