"""What an exchange held is given back, however it ends."""

from raw import exchanged, get
from scripted import Scripted
from surehop.lab.subjects import Program, Subject


def test_a_passed_on_answer_leaves_no_connection_counted(surehop_nginx: Program) -> None:
    """Each 503 that goes on to a kept connection used to take a worker connection for ever."""
    with Scripted() as first, Scripted() as second:
        first.play(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno")
        http = f"""
        upstream u {{ server 127.0.0.1:{first.port} max_fails=0;
                      server 127.0.0.1:{second.port}; keepalive 8; }}
        server {{ listen 127.0.0.1:@PORT@;
                  location / {{ proxy_pass http://u; proxy_next_upstream http_503; }} }}"""
        with Subject(surehop_nginx, http) as subject:
            # Half of them meet the 503: more than worker_connections (1024) allows.
            answers = {exchanged(subject.port, get(close=True))[:12] for _ in range(2300)}
            assert answers == {b"HTTP/1.1 200"}
            assert subject.error_log("alert") == []
