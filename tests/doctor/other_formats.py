"""What Envoy logged of an incident, as balancers of clouds would have logged the same requests."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request as Envoy told of it. took: in seconds."""

    at: datetime
    method: str
    path: str
    status: int
    flag: str
    details: str
    peer: str
    took: float


def requests(folder: Path) -> Iterator[Request]:
    """All requests of an incident that went through Envoy."""
    for line in (folder / "envoy-json.log").read_text().splitlines():
        told = json.loads(line)
        yield Request(
            datetime.fromisoformat(told["start_time"]),
            told["method"],
            told["path"],
            told["response_code"],
            told["response_flags"],
            told["response_code_details"],
            told["upstream_host"] or "",
            told["duration"] / 1000,
        )


def to_alb(folder: Path) -> str:
    """The same requests as AWS's balancer logs them, by what its pages say of each field."""
    return "".join(map(_alb_line, requests(folder)))


def _alb_line(told: Request) -> str:
    times, status = f"0.000 {told.took:.3f} 0.000", f"{told.status} {told.status}"
    if "onnection_refused" in told.details:
        times, status = "-1 -1 -1", "502 -"
    elif "connection_timeout" in told.details:
        times, status = "-1 -1 -1", "504 -"
    elif told.flag == "UT":
        times, status = f"0.000 {told.took:.3f} -1", "504 -"
    elif told.flag == "UC":
        times, status = f"0.000 {told.took:.3f} -1", "502 -"
    ends = told.at + timedelta(seconds=told.took)
    return (
        f"http {ends:%FT%T.%fZ} app/shop/50dc6c495c0c9188 192.0.2.1:2817 {told.peer or '-'} {times}"
        f' {status} 34 366 "{told.method} http://app.example:80{told.path} HTTP/1.1" "curl/8.5.0" -'
        " - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/73e2d6bc24d8a067"
        f' "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 {told.at:%FT%T.%fZ} "forward" "-"'
        f' "-" "{told.peer or "-"}" "-" "-" "-" TID_1234abcd "-" "-" "-"\n'
    )


# What Google's balancer calls it, by what Envoy's details have.
_GOOGLES = (
    ("after_response_started", "backend_connection_closed_after_partial_response_sent"),
    ("protocol_error", "backend_response_corrupted"),
    ("connection_termination", "backend_connection_closed_before_data_sent_to_client"),
    ("connection_failure", "failed_to_connect_to_backend"),
    ("connection_timeout", "failed_to_connect_to_backend"),
    ("response_timeout", "backend_timeout"),
    ("via_upstream", "response_sent_by_backend"),
)


def to_gcp(folder: Path) -> list[Mapping[str, Any]]:
    """The same requests as entries of Google's balancer, which tell no ports."""
    every = list(requests(folder))
    peers = list(dict.fromkeys(each.peer for each in every))
    return [_gcp_entry(each, f"10.0.0.{peers.index(each.peer)}") for each in every]


def _gcp_entry(told: Request, address: str) -> Mapping[str, Any]:
    details = next(name for word, name in _GOOGLES if word in told.details)
    kind = "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry"
    return {
        "httpRequest": {
            "latency": f"{told.took:.6f}s",
            "remoteIp": "192.0.2.1",
            "requestMethod": told.method,
            "requestUrl": f"https://app.example{told.path}",
            "serverIp": address,
            "status": 200 if details.startswith("response") else 502,
        },
        "insertId": "1x2y3z",
        "jsonPayload": {"@type": kind, "statusDetails": details},
        "resource": {"labels": {"backend_service_name": "shop"}, "type": "http_load_balancer"},
        "severity": "INFO" if details.startswith("response") else "WARNING",
        "timestamp": f"{told.at:%FT%T.%fZ}",
    }
