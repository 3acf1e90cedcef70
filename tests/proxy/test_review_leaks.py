"""What an exchange held is given back, however it ends."""

from surehop.lab.subjects import Program, Subject
from upstream import Line, Upstream, get, steady, told


def busy(line: Line) -> None:
    while line.request():
        line.say(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")


def test_a_passed_on_answer_leaves_no_connection_counted(surehop_nginx: Program) -> None:
    """Each 503 that goes on to a kept connection used to take a worker connection for ever."""
    with Upstream(busy) as first, Upstream(steady) as second:
        http = f"""
        upstream u {{ server 127.0.0.1:{first.port} max_fails=0;
                      server 127.0.0.1:{second.port}; keepalive 8; }}
        server {{ listen 127.0.0.1:@PORT@;
                  location / {{ proxy_pass http://u; proxy_next_upstream http_503; }} }}"""
        with Subject(surehop_nginx, http) as subject:
            # Half of them meet the 503: more than worker_connections (1024) allows.
            answers = {told(subject.port, get())[:12] for _ in range(2300)}
            assert answers == {b"HTTP/1.1 200"}
            assert subject.error_log("alert") == []
