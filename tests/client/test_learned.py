"""Idle time-outs that nobody tells are learned, though the client looks only when it is asked."""

import time

from surehop import Client
from surehop.lab.origins import Origin


def test_an_idle_time_out_is_learned_from_closes_that_are_seen_late() -> None:
    with Origin(keepalive_timeout=1.1, hint=False) as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        for pause in (1.6, 2.0, 1.8):  # too far apart to agree, were they taken for the time-out
            client.get(url)
            time.sleep(pause)
        origin.set(keepalive_timeout=60.0)
        client.get(url)
        assert origin.stats().connections == 4
        time.sleep(1.3)
        client.get(url)
        assert origin.stats().connections == 5, "the connection was given up in time"
