"""SH013: more connections are allowed than files may be open."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import many, quotes, told
from surehop.doctor.sections import place, replace

_SAID = {
    "no descriptors": "too many open files",
    "no connections": "`worker_connections` are not enough",
}

ABOUT = About(
    id="SH013",
    name="too-few-descriptors",
    summary="`worker_connections` promises more than `worker_rlimit_nofile` allows",
    symptom="`accept4() failed (24: Too many open files)`",
    cause="a proxied request takes two descriptors, and every connection at least one",
    cure="`worker_rlimit_nofile` at twice `worker_connections`",
    needs="a configuration, or an error log of nginx",
    examples=(
        Example(
            "worker_rlimit_nofile 1024;\nevents { worker_connections 4096; }",
            "worker_rlimit_nofile 8192;\nevents { worker_connections 4096; }",
        ),
        Example(
            "2026/01/05 10:00:00 [crit] 11#11: accept4() failed (24: Too many open files)\n",
            "2026/01/05 10:00:00 [notice] 11#11: signal process started\n",
            kind="error log",
        ),
    ),
    proof=("grep 'open files' /proc/PID/limits",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        if configuration.top is None:
            continue
        limit = configuration.top.last("worker_rlimit_nofile")
        files = configuration.top.count("worker_rlimit_nofile")
        for section in configuration.sections:
            connections = section.count("worker_connections") if section.kind == "events" else None
            if limit is None or files is None or connections is None or files >= connections:
                continue
            yield ABOUT.found(
                Severity.WARNING,
                Confidence.HIGH,
                because="both numbers stand in the configuration",
                title=f"{connections} connections a worker, but only {files} open files",
                text="When the files are used up, nginx accepts nobody more and logs `accept4()"
                " failed (24: Too many open files)`; clients wait.",
                advice=f"`worker_rlimit_nofile {2 * connections};`",
                subject=f"{connections} {files}",
                place=place(limit, limit.args[0]),
                fix=(replace(place(limit, limit.args[0]), str(2 * connections)),),
            )
    for word, said in _SAID.items():
        tallies = told(evidence.logs, word)
        if tallies:
            yield ABOUT.found(
                Severity.ERROR,
                Confidence.HIGH,
                because="the log says so",
                title=f"nginx could take nobody more, {many(tallies, 'time')}: {said}",
                text="A proxied request takes two descriptors and two of `worker_connections`;"
                " clients wait while there are none.",
                advice=ABOUT.cure,
                subject=f"log {word}",
                quotes=quotes(tallies),
            )
