"""The command line of an origin: `python -m surehop.lab.origins`, `surehop lab origin`."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from surehop.lab.origins.behaviour import CLOSES, KINDS, LISTEN, Behaviour, Fault
from surehop.lab.origins.control import start_control
from surehop.lab.origins.server import Server

_HELP = {
    "listen": "families to listen on: 127.0.0.1, ::1, both, none (the other one refuses)",
    "keepalive_timeout": "seconds after a response until an idle connection is closed; 0: never",
    "buffer": "seconds more than it says until it closes, as newer Node adds",
    "hint": "say `Keep-Alive: timeout=`",
    "idle_close": "how an idle connection is closed",
    "max_connections": "more than these are accepted and closed at once; 0: no limit",
    "max_requests": "requests a connection carries; 0: no limit",
    "delay": "seconds before each answer",
    "status": "status of an ordinary answer",
    "body": "bytes of an ordinary answer",
    "http10": "answer HTTP/1.0 without a length, and close",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run an origin until TERM or INT; one line of JSON on stdout when it listens."""
    parser = _parser()
    options = parser.parse_args(argv)
    given = {f.name: getattr(options, f.name) for f in fields(Behaviour) if f.name != "faults"}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        faults = [Fault.parse(text) for text in options.fault]
        faults += [Fault("fin", path=path) for path in options.close_path]
        if faults:
            changes["faults"] = faults
        asked: dict[str, Any] = json.loads(options.behaviour)
        behaviour = Behaviour().changed(asked).changed(changes)
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_run(behaviour, options))
    except OSError as error:
        print(f"surehop lab origin: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(behaviour: Behaviour, options: argparse.Namespace) -> None:
    server = Server(behaviour, port=options.port, unix=options.unix)
    await server.start()
    control = await start_control(server, options.control_port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    started = {
        "port": server.port,
        "control": control.sockets[0].getsockname()[1],
        "addresses": server.addresses,
        "pid": os.getpid(),
    }
    print(json.dumps(started), flush=True)
    await stop.wait()
    control.close()
    await server.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop lab origin",
        description="An HTTP/1.1 origin on loopback that fails exactly as it is told to.",
        epilog="All of this can be changed while it runs: GET and POST /state, POST /reset and "
        "POST /close_idle on the control port.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one (the default)")
    parser.add_argument("--control-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--unix", metavar="PATH", help="listen on a unix socket too")
    choices = {"listen": LISTEN, "idle_close": CLOSES}
    for name, text in _HELP.items():
        default = getattr(Behaviour(), name)
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        else:
            parser.add_argument(
                flag, type=type(default), choices=choices.get(name), help=f"{text} ({default})"
            )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[,nth=N][,times=K][,path=/P][,method=M][,reused]",
        help=f"fail so on receipt of a request; KIND is one of {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--close-path",
        action="append",
        default=[],
        metavar="/P",
        help="poison: close every connection that asks for this path",
    )
    parser.add_argument("--behaviour", default="{}", metavar="JSON", help="all of it at once")
    return parser
