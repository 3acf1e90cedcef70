"""Many probes at once, said before they begin. Ctrl-C ends them; what is known is kept."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from surehop.doctor.probing.limits import Job, Talk
from surehop.doctor.probing.pace import Pace, clock
from surehop.doctor.probing.probing import probe
from surehop.doctor.probing.sheet import Sheet

_AT_ONCE = 64  # each is one thread, which mostly waits
_GLANCE_S = 0.2


def probe_all(jobs: Sequence[Job], talk: Talk) -> tuple[Sheet, ...]:
    """Say what all of them will send; then do it."""
    for job in jobs:
        talk.say(f"{job.hop.label}: at most {job.announced}")
    stop = threading.Event()
    alone = len(jobs) == 1

    def run(job: Job) -> Sheet:
        bounds = job.announced
        tell = talk.progress if alone else Talk().progress
        pace = Pace(clock() + bounds.seconds, stop, tell)
        return probe(job.hop, job.addresses, job.asked, bounds, pace)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(run, job) for job in jobs]
        try:
            _watch(futures, talk if not alone else Talk())
        except KeyboardInterrupt:
            stop.set()
        return tuple(future.result() for future in futures)


def _watch(futures: Sequence[Future[Sheet]], talk: Talk) -> None:
    left: set[Future[Sheet]] = set(futures)
    while left:
        talk.progress(f"{len(futures) - len(left)} of {len(futures)} servers are probed")
        left = wait(left, _GLANCE_S).not_done
