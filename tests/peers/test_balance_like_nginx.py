"""Which peer is chosen, request by request: random groups through nginx and `resilience off`.

Time is kept out of it (fail_timeout is long), so the two sequences must be equal to the last.
"""

import random
import re
from contextlib import ExitStack

import pytest

from surehop.lab.measure import Client
from surehop.lab.origins import Fault, Origin
from surehop.lab.subjects import Program, Subject

REQUESTS = 60


def configuration(rng: random.Random, ports: list[int]) -> str:
    """An upstream group over these ports, with random weights, limits and roles."""
    lines = []
    for index, port in enumerate(ports):
        options = [
            f"weight={rng.randint(1, 6)}",
            f"max_fails={rng.randint(0, 3)}",
            "fail_timeout=1000s",
        ]
        role = rng.random()
        if index > 0 and role < 0.2:
            options.append("backup")
        elif index > 0 and role < 0.3:
            options.append("down")
        lines.append(f"server 127.0.0.1:{port} {' '.join(options)};")
    method = rng.choice(["", "least_conn;"])
    keepalive = rng.choice(["", "keepalive 4;", "keepalive 0;"])
    tries = rng.choice(["", "proxy_next_upstream_tries 2;"])
    listed = rng.choice(["", "proxy_next_upstream error timeout http_503 invalid_header;"])
    return (
        f"upstream app {{ {method} {' '.join(lines)} {keepalive} }}\n"
        f"server {{ listen 127.0.0.1:@PORT@; {tries} {listed}\n"
        "location / { proxy_pass http://app; } }"
    )


def chosen(
    program: Program, http: str, asked: list[tuple[str, str]]
) -> tuple[list[int], list[str]]:
    with Subject(program, http) as subject:
        with Client(subject.port) as client:
            statuses = [client.ask(method, path) for method, path in asked]
        subject.stop()
        return statuses, [line.replace(str(subject.port), "PORT") for line in subject.access_log()]


@pytest.mark.parametrize("seed", range(20))
def test_the_same_peers_are_chosen(surehop_nginx: Program, nginx: Program, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 (a seed that can be named, not a secret)
    with ExitStack() as stack:
        origins = [stack.enter_context(Origin()) for _ in range(rng.randint(2, 5))]
        ports = [origin.port for origin in origins]
        sick = rng.sample(origins, rng.randint(0, len(origins) - 1))
        kinds = [rng.choice(["none", "fin", "rst", "half_head", "503"]) for _ in sick]
        asked = [
            (rng.choice(["GET", "GET", "POST"]), rng.choice(["/", "/bad"])) for _ in range(REQUESTS)
        ]

        def prepare() -> None:
            for origin, kind in zip(sick, kinds, strict=True):
                origin.reset()
                if kind == "none":
                    origin.set(listen="none")
                elif kind == "503":
                    origin.set(status=503)
                else:
                    origin.set(faults=[Fault(kind, path="/bad")])

        http = configuration(rng, ports)
        prepare()
        theirs = chosen(nginx, http, asked)
        prepare()
        ours = chosen(surehop_nginx, http, asked)
    assert len(re.findall(r"\[127", " ".join(theirs[1]))) > 0, "something was proxied"
    assert ours == theirs, http
