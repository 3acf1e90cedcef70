"""The command line of an origin: `python -m surehop.lab.origins`, `surehop lab origin`."""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from ipaddress import ip_address
from typing import Any

from surehop.lab.origins.behaviour import CLOSES, LISTEN, Behaviour
from surehop.lab.origins.control import Control
from surehop.lab.origins.faults import KINDS, POINTS, Fault
from surehop.lab.origins.profiles import PROFILES
from surehop.lab.origins.server import Server
from surehop.lab.ports import HOSTS

_HELP = {
    "profile": "behave as this server does; every knob below goes over it",
    "listen": "families to listen on; the other one refuses",
    "backlog": "connections that may wait to be accepted",
    "keepalive_timeout": "seconds after a response until an idle connection is closed; 0: as the "
    "profile takes it, never or at once",
    "buffer": "seconds more than it says until it closes, as newer Node adds",
    "idle_jitter": "seconds by which that may vary, to both sides",
    "hint": "say `Keep-Alive: timeout=`",
    "idle_close": "how an idle connection is closed",
    "max_connections": "more than these are closed, answered 503 or kept waiting, as the profile "
    "does; 0: no limit, but all are turned away with node26",
    "turn_away": "accept every connection and close it at once",
    "max_requests": "requests a connection carries; 0: no limit",
    "head_timeout": "seconds for a request's head; 0: no limit",
    "request_timeout": "seconds for a whole request; 0: no limit",
    "check_interval": "seconds between two looks at both; 0: they are exact",
    "delay": "seconds before each answer",
    "status": "status of an ordinary answer",
    "body": "bytes of an ordinary answer",
    "http10": "answer HTTP/1.0 without a length, and close",
    "seed": "of what is left to chance; the same seed, the same faults",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run an origin until TERM or INT; one line of JSON on stdout when it listens."""
    parser = _parser()
    options = parser.parse_args(argv)
    given = {f.name: getattr(options, f.name) for f in fields(Behaviour) if f.name != "faults"}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        hosts = _hosts(options.host)
        if options.host and options.listen is None:
            changes["listen"] = "both" if len(hosts) > 1 else next(iter(hosts))
        faults = [Fault.parse(text) for text in options.fault]
        faults += [Fault("fin", path=path) for path in options.close_path]
        if faults:
            changes["faults"] = faults
        asked: dict[str, Any] = json.loads(options.behaviour)
        behaviour = Behaviour().changed(asked).changed(changes)
        if behaviour.manner.zero_refuses and options.max_connections == 0:
            behaviour = behaviour.changed({"turn_away": True})
    except ValueError as error:
        parser.error(str(error))
    try:
        _allow_descriptors()
        asyncio.run(_run(behaviour, options, hosts))
    except OSError as error:
        print(f"surehop lab origin: {error}", file=sys.stderr)
        print("hint: `--port 0` takes any port that is free", file=sys.stderr)
        return 1
    return 0


async def _run(behaviour: Behaviour, options: argparse.Namespace, hosts: Mapping[str, str]) -> None:
    server = Server(behaviour, port=options.port, unix=options.unix, hosts=hosts)
    await server.start()
    control = Control(server)
    control_port = await control.start(options.control_port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    started = {
        "port": server.port,
        "control": control_port,
        "addresses": server.addresses,
        "pid": os.getpid(),
    }
    print(json.dumps(started), flush=True)
    await stop.wait()
    await control.stop()


def _hosts(named: Sequence[str]) -> Mapping[str, str]:
    """An address a family; loopback's, if none is named."""
    hosts: dict[str, str] = {}
    for host in named:
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            raise ValueError(
                f"`{host}` is no address\nhint: `--host 0.0.0.0` and `--host ::` are all of them"
            ) from None
        hosts[f"ipv{address.version}"] = str(address)
    return hosts or HOSTS


def _allow_descriptors() -> None:
    """As many connections as the system lets a process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop lab origin",
        description="An HTTP/1.1 origin on loopback that fails exactly as it is told to.",
        epilog="All of this can be changed while it runs, on the control port: toxiproxy's "
        "/proxies, /populate, /reset and /version, and beside them /state and /close_idle.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one (the default)")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="listen here and not on loopback; once a family",
    )
    parser.add_argument("--control-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--unix", metavar="PATH", help="listen on a unix socket too")
    choices = {"profile": tuple(PROFILES), "listen": LISTEN, "idle_close": CLOSES}
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
        metavar="KIND[,OPTION=VALUE…]",
        help=f"fail so; KIND is one of {', '.join(KINDS)}. at={'|'.join(POINTS)} says where, for "
        "fin, rst and hang; after=BYTES how far into the request or the body; nth=N, path=/P, "
        "method=M, reused, times=K and share=0.1 which requests; seconds=S how slow; count=N how "
        "many early answers",
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
