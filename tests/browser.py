"""A page in a real Chromium, by its own protocol: what it shows, complains of and asks for."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from missing import missing

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_PATIENCE = 60
_DOMAINS = ("Page", "Runtime", "Log", "Network")


@dataclass
class Tab:
    """One page. `complaints`: what its console and its scripts said; `asked`: what it loaded."""

    _socket: ClientConnection
    _session: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(
            json.dumps(
                {"id": number, "sessionId": self._session, "method": method, "params": params}
            )
        )
        while True:
            told = json.loads(self._socket.recv(_PATIENCE))
            self._hear(told)
            if told.get("id") == number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def open(self, page: Path, *, width: int, dark: bool = False) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call("Page.navigate", url=page.as_uri())
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done() : onload = done)"
        )

    def evaluate(self, expression: str) -> Any:
        told = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Of the whole page."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def print(self, path: Path) -> None:
        told = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def _hear(self, told: Mapping[str, Any]) -> None:
        match told.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.complaints.append(json.dumps(told["params"]))
            case "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A tab of a browser of its own, until the block ends."""
    program = shutil.which("chromium") or missing("Chromium (apt-get install chromium)")
    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with connect(_address(process), max_size=None) as socket:
            target = _first(socket, "Target.createTarget", url="about:blank")
            attached = _first(
                socket, "Target.attachToTarget", targetId=target["targetId"], flatten=True
            )
            tab = Tab(socket, attached["sessionId"])
            for domain in _DOMAINS:
                tab.call(f"{domain}.enable")
            yield tab
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE)


def _address(process: "subprocess.Popen[str]") -> str:
    for line in process.stderr or ():
        if "listening on " in line:
            return line.partition("listening on ")[2].strip()
    raise AssertionError("the browser ended early")


def _first(socket: ClientConnection, method: str, **params: Any) -> dict[str, Any]:
    """A call to the browser itself."""
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while True:
        told = json.loads(socket.recv(_PATIENCE))
        if told.get("id") == 1:
            assert "error" not in told, told
            result: dict[str, Any] = told["result"]
            return result
