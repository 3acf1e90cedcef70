"""A client has no local port left: its closed connections hold them for a minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surehop.lab.clients import Lane
from surehop.lab.report.data import Table
from surehop.lab.scenarios.frame import Record, Scenario, Stage
from surehop.lab.scenarios.telling import counted, own_words, sentences, timeline_of

_PORTS = 40
_REQUESTS = 60
_FIRST = 45_000
_NEW, _KEPT = "a client for each request", "one client for all"
_SYSTEM = Path("/proc/sys/net/ipv4")
# On loopback alone the kernel takes a port again after a second: 0 is as it is between machines.
_SETTINGS = {
    "ip_local_port_range": f"{_FIRST} {_FIRST + _PORTS - 1}",
    "tcp_tw_reuse": "0",
}


@contextmanager
def _few_ports(*, few: bool) -> Iterator[None]:
    """As long as the block lasts, in this network namespace."""
    before = {name: (_SYSTEM / name).read_text("ascii") for name in _SETTINGS}
    for name, value in _SETTINGS.items() if few else ():
        (_SYSTEM / name).write_text(value, "ascii")
    try:
        yield
    finally:
        for name, value in before.items():
            (_SYSTEM / name).write_text(value, "ascii")


def run(stage: Stage) -> None:
    # Ports are counted for each address that is connected to, so that no client takes another's.
    with stage.origin(host="0.0.0.0") as origin, stage.playing() as processes:  # noqa: S104  only lo
        lanes = {
            process: [
                Lane(
                    f"http://127.0.{how}.{number}:{origin.port}/",
                    label=label,
                    times=_REQUESTS,
                    fresh=label == _NEW,
                )
                for how, label in enumerate((_NEW, _KEPT), 1)
            ]
            for number, process in enumerate(processes, 1)
        }
        with _few_ports(few=stage.inject):
            stage.play(f"{_REQUESTS} requests, one after the other", lanes)
            stage.report.measured["local ports"] = _local_ports()
            stage.report.measured["connections in TIME_WAIT"] = _waiting()


def _local_ports() -> int:
    first, last = map(int, (_SYSTEM / "ip_local_port_range").read_text("ascii").split())
    return last - first + 1


def _waiting() -> int:
    words = Path("/proc/net/sockstat").read_text("ascii").split("TCP:")[1].split()
    return int(words[words.index("tw") + 1])


def tell(stage: Stage) -> None:
    records = stage.records()
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for name, some in records.items():
        for label in (_NEW, _KEPT):
            came = [record for record in some if record.lane.label == label]
            failed = [record for record in came if record.failed]
            (bad if failed else good).add((len(rows), 3))
            told = (str(len(came)), str(len(failed)), _first_failed(came), counted(failed))
            rows.append((name, label, *told))
    columns = ("subject", "how", "requests", "failed", "first failed", "failures")
    stage.report.tables += [
        Table(
            f"{_REQUESTS} requests to one address, {_PORTS} local ports",
            columns,
            rows,
            frozenset(bad),
            frozenset(good),
            note="first failed: which request was the first to fail",
        ),
        *own_words(records),
    ]
    stage.report.plots.append(timeline_of(stage, records, in_turn=True))
    stage.report.shown = any(record.failed for some in records.values() for record in some)
    stage.report.said += sentences(records)


def _first_failed(came: list[Record]) -> str:
    return next((str(at) for at, record in enumerate(came, 1) if record.failed), "")


SCENARIO = Scenario(
    "port-exhaustion",
    "many short connections use up the local ports",
    "A connection needs a local port, and who closes it first keeps the port for a minute "
    f"(TIME_WAIT). In a network namespace of its own that has {_PORTS} local ports, each client "
    f"sends {_REQUESTS} requests to one address: once with a client made for each request and "
    "closed after it, as `requests.get()` does, and once with one client that keeps its "
    "connection. Whoever finds no port can't connect: 99, EADDRNOTAVAIL.",
    run,
    tell,
    takes=10,
    expects=("SH012",),
    apart=True,
)
