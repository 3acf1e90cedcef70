"""curl as a client that keeps its connections: one process a lane, each request with its line."""

import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

_DAY = 86_400.0
# What curl's exit codes are called elsewhere; the others go by their number. 7 is any failure to
# connect.
_CODES = {
    "6": "ENOTFOUND",
    "18": "ERR_BODY_INCOMPLETE",
    "28": "ETIMEDOUT",
    "52": "ERR_EMPTY_REPLY",
}
Asked = Callable[[Mapping[str, Any], int, int], tuple[str, str, dict[str, str]]]


def curl_version() -> str:
    told = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def ask_curl(
    lane: Mapping[str, Any], index: int, asked: Asked, tell: Callable[[Mapping[str, Any]], None]
) -> None:
    """Ask as a lane says. A process has connections of its own, and asks all in one go."""
    time.sleep(lane["after"])
    once = lane["at_once"] == 1 and not lane["fresh"]
    turns = [range(lane["times"])] if once else [[n] for n in range(lane["times"])]
    for number, these in enumerate(turns):
        if number:
            time.sleep(lane["every"])
        requests = [asked(lane, t, p) for t in these for p in range(lane["at_once"])]
        _run(lane, index, requests, tell)


def _run(
    lane: Mapping[str, Any],
    index: int,
    requests: list[tuple[str, str, dict[str, str]]],
    tell: Callable[[Mapping[str, Any]], None],
) -> None:
    argv = ["curl", "-q"]
    if lane["at_once"] > 1:
        argv += ["--parallel", "--parallel-immediate", "--parallel-max", str(lane["at_once"])]
    elif lane["every"]:
        argv += ["--rate", f"{max(1, round(_DAY / lane['every']))}/d"]
    for at, (name, url, headers) in enumerate(requests):
        argv += ["--next"] if at else []
        argv += _request(lane, name, url, headers)
    # What it writes to standard output would come in one piece at the end.
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        for line in process.stderr or ():
            told = line.decode("utf-8", "replace").rstrip("\n").split("\t")
            if len(told) == 6:  # noqa: PLR2004  as written below
                tell(_outcome(index, told))


def _request(lane: Mapping[str, Any], name: str, url: str, headers: dict[str, str]) -> list[str]:
    written = "%{stderr}" + name + "\t%{http_code}\t%{exitcode}\t%{size_download}"
    written += "\t%{time_total}\t%{errormsg}\n"
    argv = ["-s", "-o", "/dev/null", "--noproxy", "*", "-X", lane["method"], "-w", written]
    argv += ["--max-time", str(lane["timeout"])]
    retries = lane["options"].get("retries", 0)
    argv += ["--retry", str(retries), "--retry-all-errors"] if retries else []
    argv += ["--data-binary", lane["body"]] if lane["body"] is not None else []
    for key, value in headers.items():
        argv += ["-H", f"{key}: {value}"]
    return [*argv, url]


def _outcome(index: int, told: list[str]) -> dict[str, Any]:
    name, status, exit_code, size, took, message = told
    failed = exit_code != "0"
    code = _CODES.get(exit_code, f"CURL_{exit_code}")
    if "reset by peer" in message:
        code = "ECONNRESET"
    return {
        "id": name,
        "lane": index,
        "at": time.time() - float(took),
        "took": float(took),
        "status": 0 if failed else int(status),
        "size": int(size),
        "code": code if failed else "",
        "message": message if failed else "",
    }
