"""Options, signals and what is said about them, beside nginx."""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from raw import Raw
from surehop.lab.ports import Port
from surehop.lab.subjects import Program
from waiting import eventually

_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: ", re.MULTILINE)
_HINT = re.compile(r"^hint: .*\n", re.MULTILINE)
# One binary's C library says it shorter.
_WORDING = {"Address in use": "Address already in use"}

CONFIGURATIONS = {
    "good.conf": "pid n.pid; events {} http { access_log off;"
    " server { listen 127.0.0.1:@PORT@; return 200 here; } include more/*.conf; }\n",
    "more/one.conf": "server { listen 127.0.0.1:@PORT@; server_name one; return 204; }\n",
    "more/two.conf": "# nothing\n",
    "bad.conf": "pid n.pid; events {}\nhttp {\n    lisden 80;\n}\n",
    "nopid.conf": "pid none/n.pid; events {}\n",
    "nolog.conf": "error_log none/x.log; pid n.pid; events {}\n",
    "nouser.conf": "user no_such_user_here;\nevents {}\n",
}


@dataclass
class Ran:
    """What came of a command: its pid file and error log are seen from its folder."""

    code: int
    out: str
    told: str
    logged: str


def folder_of(base: Path, name: str, port: int) -> Path:
    folder = base / name
    (folder / "more").mkdir(parents=True)
    (folder / "logs").mkdir()
    for file, text in CONFIGURATIONS.items():
        (folder / file).write_text(text.replace("@PORT@", str(port)))
    return folder


def normal(text: str, folder: Path) -> str:
    for theirs, ours in _WORDING.items():
        text = text.replace(theirs, ours)
    text = _STAMP.sub(r"\1 ", text.replace(str(folder), "@FOLDER@"))
    text = re.sub(r"nginx/[\d.]+( \(surehop [\d.]+\))?", "nginx/VERSION", text)
    return _HINT.sub("", text)


def run(program: Program, folder: Path, words: list[str]) -> Ran:
    done = subprocess.run(
        [*program.argv, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=20
    )
    log = folder / "e.log"
    logged = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    return Ran(
        done.returncode,
        normal(done.stdout, folder),
        normal(done.stderr, folder),
        normal(logged, folder),
    )


def both(
    nginx: Program, surehop_nginx: Program, base: Path, words: list[str], *, pid: str | None = None
) -> tuple[Ran, Ran]:
    found = []
    with Port() as port:
        for name, program in (("nginx", nginx), ("surehop", surehop_nginx)):
            folder = folder_of(base, name, port.number)
            if pid is not None:
                (folder / "n.pid").write_text(pid)
            where = [word.replace("@FOLDER@", str(folder)) for word in words]
            found.append(run(program, folder, where))
            shutil.rmtree(folder)
    return found[0], found[1]


HERE = ["-p", "@FOLDER@", "-e", "e.log"]


@pytest.mark.parametrize(
    "words",
    [
        ["-v"],
        ["-x"],
        ["-tx"],
        ["x"],
        ["-p"],
        ["-c"],
        ["-e"],
        ["-g"],
        ["-s"],
        ["-s", "foo"],
        ["-sfoo"],
        [*HERE, "-c", "good.conf", "-t"],
        [*HERE, "-c", "good.conf", "-tq"],
        [*HERE, "-tqcgood.conf"],
        [*HERE, "-c", "good.conf", "-T"],
        [*HERE, "-c", "good.conf", "-Tq"],
        [*HERE, "-c", "@FOLDER@/good.conf", "-vt"],
        [*HERE, "-c", "bad.conf", "-t"],
        [*HERE, "-c", "bad.conf", "-T"],
        [*HERE, "-c", "bad.conf", "-tq"],
        [*HERE, "-c", "bad.conf"],
        [*HERE, "-c", "bad.conf", "-s", "stop"],
        [*HERE, "-c", "missing.conf", "-t"],
        [*HERE, "-c", "missing.conf"],
        [*HERE, "-c", "nopid.conf", "-t"],
        [*HERE, "-c", "nolog.conf", "-t"],
        [*HERE, "-c", "nolog.conf", "-g", "daemon off;"],
        ["-p", "@FOLDER@", "-e", "none/e.log", "-c", "good.conf", "-t"],
        ["-p", "@FOLDER@", "-e", "stderr", "-c", "bad.conf", "-t"],
        [*HERE, "-c", "good.conf", "-t", "-g", "worker_rlimit_nofile 512; env FOO;"],
        [*HERE, "-c", "good.conf", "-t", "-g", "worker_rlimit_nofile 512"],
        [*HERE, "-c", "good.conf", "-t", "-g", "foo bar;"],
        [*HERE, "-c", "good.conf", "-t", "-g", "pid x.pid;"],
        [*HERE, "-c", "good.conf", "-t", "-g", "events {}"],
        [*HERE, "-c", "good.conf", "-t", "-g", "worker_shutdown_timeout x;"],
        [*HERE, "-c", "good.conf", "-s", "reload"],
    ],
    ids=" ".join,
)
def test_options(nginx: Program, surehop_nginx: Program, tmp_path: Path, words: list[str]) -> None:
    theirs, ours = both(nginx, surehop_nginx, tmp_path, words)
    assert ours == theirs


@pytest.mark.skipif(os.geteuid() != 0, reason="nginx looks users up as root alone")
def test_an_unknown_user(nginx: Program, surehop_nginx: Program, tmp_path: Path) -> None:
    theirs, ours = both(nginx, surehop_nginx, tmp_path, [*HERE, "-c", "nouser.conf", "-t"])
    assert ours == theirs


@pytest.mark.parametrize("pid", ["", "abc\n", "12x", "4194305\n"])
def test_pid_files(nginx: Program, surehop_nginx: Program, tmp_path: Path, pid: str) -> None:
    words = [*HERE, "-c", "good.conf", "-s", "quit"]
    theirs, ours = both(nginx, surehop_nginx, tmp_path, words, pid=pid)
    assert ours == theirs


def test_an_address_in_use(nginx: Program, surehop_nginx: Program, tmp_path: Path) -> None:
    found = []
    with Port() as port, port.listener("ipv4"):
        for name, program in (("nginx", nginx), ("surehop", surehop_nginx)):
            folder = folder_of(tmp_path, name, port.number)
            words = ["-p", str(folder), "-e", "e.log", "-c", "good.conf", "-g", "daemon off;"]
            found.append(run(program, folder, words))
    theirs, ours = found
    assert ours == theirs


def test_the_address_may_be_in_use_when_it_is_tested(
    nginx: Program, surehop_nginx: Program, tmp_path: Path
) -> None:
    with Port() as port, port.listener("ipv4"):
        for name, program in (("nginx", nginx), ("surehop", surehop_nginx)):
            folder = folder_of(tmp_path, name, port.number)
            words = ["-p", str(folder), "-e", "e.log", "-c", "good.conf", "-tq"]
            assert run(program, folder, words) == Ran(0, "", "", "")


def started(program: Program, folder: Path, port: int) -> subprocess.Popen[bytes]:
    words = ["-p", str(folder), "-e", "e.log", "-c", "good.conf"]
    more = ["-g", "daemon off; error_log e.log notice; worker_processes 1;"]
    process = subprocess.Popen([*program.argv, *words, *more], stderr=subprocess.DEVNULL)
    eventually(lambda: (folder / "n.pid").exists() and answers(port), within=10)
    return process


def answers(port: int) -> bool:
    try:
        with Raw(port) as client:
            return client.answer()[2] == b"here"
    except (OSError, EOFError):
        return False


def life(program: Program, folder: Path, port: int) -> list[str]:
    """What is logged over a life: start, two reloads, one of them bad, logs reopened, the end."""
    process = started(program, folder, port)
    log = folder / "e.log"

    def wait(text: str, count: int = 1) -> None:
        eventually(lambda: log.read_text().count(text) >= count, within=10)

    def say(word: str) -> None:
        words = ["-p", str(folder), "-e", "signals.log", "-c", "good.conf", "-s", word]
        subprocess.run(
            [*program.argv, *words, "-g", "worker_processes 1;"], check=True, stderr=subprocess.PIPE
        )

    wait("start worker process ")
    say("reload")
    wait("start worker processes", 2)
    wait("]", 1)
    eventually(lambda: re.search(r"#\d+: exit$", log.read_text(), re.MULTILINE) is not None)
    good = (folder / "good.conf").read_text()
    (folder / "good.conf").write_text(good + "lisden 80;\n")
    os.kill(process.pid, signal.SIGHUP)
    wait("lisden")
    (folder / "good.conf").write_text(good)
    log.rename(folder / "first.log")
    say("reopen")
    eventually(log.exists)
    eventually(lambda: answers(port))
    say("quit")
    assert process.wait(10) == 0
    assert not (folder / "n.pid").exists()
    return (folder / "first.log").read_text().splitlines() + log.read_text().splitlines()


# What both say, in the order in which it is said the first time.
_MILESTONES = (
    'using the "epoll" event method',
    "getrlimit(RLIMIT_NOFILE): ",
    "start worker processes",
    "start worker process ",
    "signal 1 (SIGHUP) received from ",
    "reconfiguring",
    "gracefully shutting down",
    "exiting",
    "exit",
    'unknown directive "lisden" in ',
    "signal 10 (SIGUSR1) received from ",
    "reopening logs",
    "signal 3 (SIGQUIT) received from ",
)


def test_a_life_is_logged_alike(nginx: Program, surehop_nginx: Program, tmp_path: Path) -> None:
    for name, program in (("nginx", nginx), ("surehop", surehop_nginx)):
        with Port() as port:
            folder = folder_of(tmp_path, name, port.number)
            (folder / "logs").chmod(0o777)
            told = [_STAMP.sub("", line) for line in life(program, folder, port.number)]
        at = [next((i for i, x in enumerate(told) if x.startswith(m)), -1) for m in _MILESTONES]
        assert -1 not in at, (name, _MILESTONES[at.index(-1)], told)
        assert at == sorted(at), (name, told)
        levels = {line.split("[", 1)[1].split("]")[0] for line in _raw(folder) if "[" in line}
        assert levels == {"notice", "emerg"}, name
        assert told[-1] == "exit"


def _raw(folder: Path) -> list[str]:
    both_logs = ((folder / name).read_text().splitlines() for name in ("first.log", "e.log"))
    return [line for log in both_logs for line in log]
