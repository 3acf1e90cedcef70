"""A scenario's upstream as nginx and Surehop are told of it, and what their logs say."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from surehop.lab.log_lines import read_line
from surehop.lab.scenarios.upstream import Line, Upstream
from surehop.lab.subjects import Program, Subject

_HTTP = """\
    upstream app {{
{servers}
    }}
    server {{
        listen 127.0.0.1:@PORT@;
        location / {{
            proxy_pass http://app;{more}
        }}
    }}
"""
_ACCESS = re.compile(r" \[(?P<addresses>.*)\] \[[^\[\]]*\] (?P<id>\S+)$")


class NginxFront(Subject):
    """nginx, or Surehop in either mode, before an upstream."""

    def __init__(
        self,
        program: Program,
        upstream: Upstream,
        resolve: Mapping[str, Sequence[str]],
        prefix: Path | None = None,
    ) -> None:
        super().__init__(
            program,
            written(upstream),
            resolve=resolve,
            variables=" $http_x_request_id",
            prefix=prefix,
        )

    def news(self) -> list[Line]:
        return [line for line in map(read_line, self.error_log("info")) if line]

    def tries(self) -> dict[str, int]:
        # Where none is asked, the group's name stands for an address.
        return {
            found["id"]: sum(":" in one for one in found["addresses"].split(", "))
            for found in map(_ACCESS.search, self.access_log())
            if found
        }

    def refusals(self) -> int:
        return sum("Connection refused" in message for _, message, _, _ in self.news())


def written(upstream: Upstream) -> str:
    """What stands in `http {}`."""
    resolve = " resolve" if upstream.resolver else ""
    lines = [
        f"        server {one} fail_timeout={upstream.fail_timeout}s{resolve};"
        for one in upstream.servers
    ]
    if upstream.resolver:
        lines = [
            "        zone app 64k;",
            f"        resolver 127.0.0.1:{upstream.resolver} valid=1s ipv6=off;",
            *lines,
        ]
    wait = round(upstream.read_timeout * 1000)
    return _HTTP.format(
        servers="\n".join(lines),
        more=f"\n            proxy_read_timeout {wait}ms;" if wait else "",
    )
