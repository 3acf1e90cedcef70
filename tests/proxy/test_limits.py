"""Limits hold over all workers, and over reloads."""

import os
import signal

from surehop.lab.measure import Client
from surehop.lab.subjects import Program, Subject
from waiting import eventually

LIMITED = """
    limit_req_zone $arg_k zone=one:1m rate=1r/m;
    server {
        listen 127.0.0.1:@PORT@;
        location / { limit_req zone=one burst=9 nodelay; }
        location /open/ { return 200 old; }
    }
"""


def status(subject: Subject, target: str) -> int:
    """Ask over a connection of its own, which any worker may take."""
    with Client(subject.port) as client:
        return client.ask(path=target)


def reload(subject: Subject, old: str, new: str) -> None:
    file = subject.prefix / "nginx.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    os.kill(subject.pid, signal.SIGHUP)


def test_all_workers_count_together_and_go_on_after_a_reload(surehop: Program) -> None:
    with Subject(surehop, LIMITED, workers=3) as subject:
        assert [status(subject, "/?k=a") for _ in range(11)] == [404] * 10 + [503]
        reload(subject, "return 200 old", "return 201 new")
        eventually(lambda: status(subject, "/open/") == 201)
        assert status(subject, "/?k=a") == 503
        assert status(subject, "/?k=b") == 404


def test_another_key_is_another_zone_which_a_reload_can_not_make(surehop: Program) -> None:
    told = 'limit_req "one" uses the "$arg_j" key while previously it used the "$arg_k" key'
    with Subject(surehop, LIMITED) as subject:
        reload(subject, "zone $arg_k", "zone $arg_j")
        eventually(lambda: any(told in line for line in subject.error_log("emerg")))
        assert [status(subject, "/?k=a") for _ in range(11)] == [404] * 10 + [503]
