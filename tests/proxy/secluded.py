"""Scenes that need a network of their own: a script that test_secluded.py runs in one."""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from raw import GET, Raw, get
from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject, find_surehop

PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
OUTSIDE = "192.0.2.7"


def no_ports(program: Program) -> object:
    """Two local ports, both taken by requests to one peer; another peer can still be reached."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Scripted() as held,
        Scripted() as free,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o755)
        unix = f"{folder}/sock"
        http = f"""
            upstream app {{ server 127.0.0.1:{held.port}; server 127.0.0.1:{free.port}; }}
            server {{
                listen 127.0.0.1:@PORT@; listen unix:{unix};
                location / {{ proxy_pass http://app; }}
                location /held {{ proxy_pass http://127.0.0.1:{held.port}; }}
                location /status {{ surehop_status; }}
            }}"""
        subject = stack.enter_context(
            Subject(program, http, variables=" $upstream_reason", workers=1)
        )
        held.play("hang")
        PORTS.write_text("40000 40001")
        for _ in range(2):
            stack.enter_context(Raw(0, unix=unix)).send(get("/held"))
        held.wait_begun(2)
        with Raw(0, unix=unix) as client:
            alone = client.answer(get("/held"))[0]
            answers = [client.answer()[0] for _ in range(4)]
            status = json.loads(client.answer(get("/status"))[2])
        PORTS.write_text("32768 60999")
        peers = next(group for group in status["upstreams"] if group["name"] == "app")["peers"]
        return {
            "alone": alone,
            "answers": answers,
            "peers": [[peer["state"], peer["failures"]] for peer in peers],
            "logged": [line.split("] ")[-1] for line in subject.access_log()],
            "errors": [line.partition(": *")[2] for line in subject.error_log("warn")],
        }


def no_address(program: Program) -> object:
    """IPv6 is switched off, and a name has an address of that family as well."""
    for name in ("all", "lo"):
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    with Scripted() as origin:
        http = f"""
            upstream app {{ server both:{origin.port}; }}
            server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass http://app; }} }}"""
        both = {"both": ["[::1]", "127.0.0.1"]}
        with (
            Subject(program, http, variables=" $upstream_reason", resolve=both) as subject,
            Raw(subject.port) as client,
        ):
            answers = [client.answer()[0] for _ in range(6)]
            errors = len(subject.error_log("error"))
            return {
                "answers": answers,
                "errors": errors,
                "logged": next(line.split("] ")[-1] for line in subject.access_log()),
            }


def status_from_outside(program: Program) -> object:
    subprocess.run(["ip", "address", "add", f"{OUTSIDE}/32", "dev", "lo"], check=True)
    with Port() as other:
        http = f"""server {{
            listen 0.0.0.0:@PORT@; listen 127.0.0.1:{other.number};
            location /status {{ surehop_status; }}
            location /open {{ surehop_status allow_remote; }}
        }}"""
        with Subject(program, http) as subject:
            return {
                f"{host} {path}": _status_of(host, subject.port, path)
                for host in ("127.0.0.1", OUTSIDE)
                for path in ("/status", "/open")
            }


def _status_of(host: str, port: int, path: str) -> int:
    with socket.create_connection((host, port), 5, source_address=(host, 0)) as sock:
        sock.sendall(GET.replace(b"GET / ", f"GET {path} ".encode()))
        return int(sock.recv(100).split()[1])


SCENES: dict[str, Callable[[Program], object]] = {
    "no_ports": no_ports,
    "no_address": no_address,
    "status_from_outside": status_from_outside,
}

if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    found = find_surehop()
    assert found is not None
    print(json.dumps(SCENES[sys.argv[1]](found)))
