"""Real clients end the same way against the lab's origin as against Node, cell by cell.

axios, axios-retry and undici are asked too where NODE_MODULES_DIR names a folder with them.
"""

from pathlib import Path

import pytest
from clients_asking import clients
from servers import node, node_that_closes

from surehop.lab.origins import Fault, Origin
from waiting import eventually

ENDED = {("reused", "fin"): 2, ("reused", "rst"): 2, ("fresh", "fin"): 0}
SAID = {"fin": "socket hang up", "rst": "read ECONNRESET"}
Cell = tuple[str, int]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("connection", "how"), list(ENDED))
def test_a_cell(tmp_path: Path, connection: str, how: str, method: str) -> None:
    nth, fresh = ENDED[connection, how], connection == "fresh"
    profile = node()[1]
    real: dict[str, Cell] = {}
    ours: dict[str, Cell] = {}
    asked = clients()
    with node_that_closes(tmp_path, how, nth) as (port, told):
        for name, ask in asked.items():
            before = len(told.read_text().split())
            end = ask(f"http://127.0.0.1:{port}/", method, fresh)
            real[name] = (end, len(told.read_text().split()) - before)
    with Origin(profile=profile, faults=[Fault(how, nth=nth)]) as origin:
        for name, ask in asked.items():
            before = origin.stats().requests
            end = ask(f"{origin.url}/", method, fresh)
            eventually(lambda: not origin.stats().open)
            ours[name] = (end, origin.stats().requests - before)
    assert real["node-http"] == ("ECONNRESET " + SAID[how], 1 if fresh else 2)
    assert ours == real
