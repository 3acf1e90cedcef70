"""Incident 2: a client asks just when the server gives up the idle connection."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from surehop.lab.clients import Lane
from surehop.lab.report.data import Curve, Table
from surehop.lab.scenarios.frame import Record, Scenario, Stage
from surehop.lab.scenarios.telling import counted, outcomes_of, own_words, sentences, timeline_of

_TIMEOUT = 5.0  # seconds, as Node and uvicorn have it
_TIMES = 10
_LOOKS = 5
# Milliseconds around the close. They are not scaled: the window is as wide as the machine is slow.
OFFSETS = (-100, -50, -20, -15, -10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10, 20, 50)
_EDGE = 5
_USERS_AT_EDGE = 5  # a part of a millisecond apart: fewer than one in ten meets the close
_APART = 0.0137  # seconds between the lanes, so that they do not all ask at once


def closes_after(port: int) -> float:
    """Seconds from a request to the end of the connection that it was on, if nothing follows."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        asked = time.monotonic()
        connection.request("GET", "/measure")
        connection.getresponse().read()
        if connection.sock:
            connection.sock.recv(1)
        return time.monotonic() - asked
    finally:
        connection.close()


def _intervals() -> Iterator[tuple[int, float]]:
    """What each user's interval is called, and is, in milliseconds from the close."""
    for offset in OFFSETS:
        users = _USERS_AT_EDGE if abs(offset) <= _EDGE else 1
        for user in range(users):
            yield offset, offset + user / users


def run(stage: Stage) -> None:
    timeout = stage.seconds(_TIMEOUT) if stage.inject else 0.0
    with stage.origin(keepalive_timeout=timeout, hint=False) as origin:
        close = stage.seconds(_TIMEOUT)
        if stage.inject:
            stage.bar.begin("measuring when the origin closes", _LOOKS)
            with ThreadPoolExecutor(_LOOKS) as pool:
                looks = []
                for look in pool.map(closes_after, [origin.port] * _LOOKS):
                    looks.append(look)
                    stage.bar.step()
            close = min(looks)  # a busy machine only makes it later
            stage.report.measured["origin closes after, s"] = round(close, 4)
        stage.extra["close"] = close
        origin.reset()
        with stage.playing() as processes:
            lanes = {
                process: [
                    Lane(
                        f"http://127.0.0.1:{origin.port}/",
                        label=str(offset),
                        times=_TIMES,
                        every=close + shifted / 1000,
                        after=at * _APART + number * _APART / len(processes),
                    )
                    for at, (offset, shifted) in enumerate(_intervals())
                ]
                for number, process in enumerate(processes)
            }
            stage.play(f"{_TIMES} requests from each user", lanes)
            stats = stage.collect(origin)
            stage.extra["closed"] = stats.connections - sum(map(len, lanes.values()))


def tell(stage: Stage) -> None:
    records = stage.records()
    close = stage.extra.get("close", 0.0)
    cells = {
        name: {offset: [r for r in some if r.lane.label == str(offset)] for offset in OFFSETS}
        for name, some in records.items()
    }
    rows, bad = [], set()
    for number, offset in enumerate(OFFSETS):
        row = [f"{close * 1000 + offset:.0f}", f"{offset:+d}"]
        for column, name in enumerate(records, 2):
            came = cells[name][offset]
            failed = sum(record.failed for record in came)
            row.append(f"{len(came) - failed}/{failed}" if came else "-")
            if failed:
                bad.add((number, column))
        rows.append(row)
    stage.report.tables += [
        Table(
            "succeeded/failed, at each interval",
            ("T, ms", "to close", *records),
            rows,
            frozenset(bad),
            note="T is the time from one request to the next, on one kept-alive connection",
        ),
        outcomes_of(records),
        *own_words(records),
    ]
    stage.report.plots += [
        Curve(
            "share of requests that succeed, by interval",
            "ms from when the origin closes",
            "succeeded",
            {
                name: [
                    (offset, _share(came)) for offset, came in cells[name].items() if came
                ]
                for name in records
            },
            {"the origin closes": 0.0},
        ),
        timeline_of(
            stage,
            {name: [r for r in some if _is_near(r)] for name, some in records.items()},
            f"requests within {_EDGE} ms of the close, and when the origin got them",
        ),
    ]  # fmt: skip
    lost = [r for some in records.values() for r in some if r.failed]
    # Each lane began with one connection; more were opened because the origin closed some.
    stage.report.shown = stage.extra.get("closed", 0) > 0
    stage.report.said += sentences(records)
    if lost:
        near = [int(record.lane.label) for record in lost]
        stage.report.said.append(
            f"the failures lie from {min(near):+d} ms to {max(near):+d} ms around the moment at "
            f"which the origin closes, {close:.3f} s after the request before: {counted(lost)}"
        )


def _is_near(record: Record) -> bool:
    return abs(int(record.lane.label)) <= _EDGE


def _share(came: list[Record]) -> float:
    return 1 - sum(record.failed for record in came) / len(came)


SCENARIO = Scenario(
    "keepalive-race",
    "a request meets the close of the idle connection it goes out on",
    "An origin closes a connection that has been idle for 5 s (scaled) and does not say so ahead, "
    "as uvicorn does. When it really closes is measured; then each client asks ten times over a "
    "connection it keeps, at intervals around that moment, with five users where it is near. A "
    "request that crosses the close gets no answer, and whether it fails is up to the client.",
    run,
    tell,
    takes=65,
    expects=("SH004", "SH005", "SH022", "SH023", "SH024", "SH025"),
)
