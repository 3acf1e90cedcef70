"""Clients that send two requests over kept-alive connections, and say how the second ended."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("asking.mjs")
Ask = Callable[[str, str, bool], str]


def clients() -> dict[str, Ask]:
    """Each that is here: `ask(url, method, fresh)` says how the request ended."""
    found: dict[str, Ask] = {"node-http": _node("node-http")}
    found["node-fetch"] = _node("node-fetch")
    modules = os.environ.get("NODE_MODULES_DIR", "")
    for name in ("axios", "axios-retry", "undici"):
        if modules and (Path(modules) / "node_modules" / name).is_dir():
            found[name] = _node(name)
    if shutil.which("curl"):
        found["curl"] = _curl
    found["httpx"] = _httpx
    found["requests"] = _requests
    if find_spec("aiohttp"):
        found["aiohttp"] = _aiohttp
    return found


def _node(client: str) -> Ask:
    def ask(url: str, method: str, fresh: bool) -> str:
        argv = ["node", str(_SCRIPT), client, url, method, "fresh" if fresh else "reused"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip() or done.stderr

    return ask


def _curl(url: str, method: str, fresh: bool) -> str:
    first = [] if fresh else ["-o", os.devnull, url, "--next"]
    sent = ["-d", "x"] if method == "POST" else []
    argv = ["curl", "-s", *first, "-s", "-o", os.devnull, "-w", "%{http_code}", *sent, url]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return f"{done.stdout} exit {done.returncode}"


def _httpx(url: str, method: str, fresh: bool) -> str:
    httpx = import_module("httpx")
    with httpx.Client(trust_env=False) as client:
        if not fresh:
            client.get(url)
        try:
            return str(client.request(method, url, content=b"x" * (method == "POST")).status_code)
        except httpx.TransportError as error:
            return f"{type(error).__name__} {error}"


def _requests(url: str, method: str, fresh: bool) -> str:
    requests = import_module("requests")
    with requests.Session() as session:
        session.trust_env = False
        if not fresh:
            session.get(url)
        try:
            return str(session.request(method, url, data=b"x" * (method == "POST")).status_code)
        except requests.RequestException as error:
            return f"{type(error).__name__} {error}"


def _aiohttp(url: str, method: str, fresh: bool) -> str:
    aiohttp: Any = import_module("aiohttp")

    async def ask() -> str:
        async with aiohttp.ClientSession() as session:
            if not fresh:
                async with session.get(url) as response:
                    await response.read()
            try:
                async with session.request(method, url, data=b"x") as response:
                    await response.read()
                    return str(response.status)
            except aiohttp.ClientError as error:
                return f"{type(error).__name__} {error}"

    return asyncio.run(ask())
