"""What today's clients print of the keep-alive race, the doctor names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from missing import missing
from surehop.doctor import Names, Options, examine
from surehop.lab.origins import Fault, Origin

# Each asks with one client until it fails, and prints what comes of it as people do.
NODE = """
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true });
const ask = () => http.get(process.argv[1], { agent }, (answer) => {
  answer.resume().on("end", () => setImmediate(ask));
}).on("error", (error) => console.error(new Date().toISOString(), error));
ask();
"""
FETCH = """
const ask = () => fetch(process.argv[1]).then((answer) => answer.text()).then(ask);
ask().catch(console.error);
"""
HTTPX = """
import logging, sys, httpx
logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
with httpx.Client() as client:
    try:
        while True: client.get(sys.argv[1])
    except httpx.HTTPError: logging.exception("failed")
"""
REQUESTS = """
import logging, sys, requests
logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
with requests.Session() as session:
    try:
        while True: session.get(sys.argv[1])
    except requests.RequestException as error: logging.error("failed: %s", error)
"""


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize(
    ("program", "language", "finding"),
    [
        pytest.param(NODE, "node", "SH022", id="node"),
        pytest.param(FETCH, "node", "SH023", id="fetch"),
        pytest.param(HTTPX, "python", "SH024", id="httpx"),
        pytest.param(REQUESTS, "python", "SH025", id="requests"),
    ],
)
def test_the_race(program: str, language: str, finding: str, how: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", program]
    if language == "node":
        argv = [shutil.which("node") or missing("node"), "-e", program]
    with Origin(faults=[Fault(how, reused=True)]) as origin:
        alone = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        done = subprocess.run(
            [*argv, f"{origin.url}/"], capture_output=True, timeout=60, env=alone, check=True
        )
    log = tmp_path / "app.log"
    log.write_bytes(done.stderr)

    told = examine([str(log)], Options(Names({}, {}, ask=False)))

    assert [each.id for each in told.findings] == [finding], done.stderr.decode()
    assert "1 connection under" in told.findings[0].title
