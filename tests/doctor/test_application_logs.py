"""What real programs printed of their failures: each text is its rule's, and no other's."""

from pathlib import Path

import pytest
from reading import options, report

from surehop.doctor import Severity, examine

DATA = Path(__file__).parent / "data" / "applications"
FINDINGS = {
    "SH014": ("undici-connect-timeout",),
    "SH017": ("node-no-name",),
    "SH020": ("node-refused-ipv6", "node-refused-ipv6-pino"),
    "SH021": ("node-happy-eyeballs", "node-happy-eyeballs-pino"),
    "SH022": (
        *("node-hang-up", "node-reset", "axios-hang-up", "axios-message", "axios-pino"),
        *("axios-stack", "axios-winston"),
    ),
    "SH023": ("fetch-closed", "fetch-pino", "fetch-reset", "undici-closed", "undici-pino"),
    "SH024": ("httpx-message", "httpx-repr", "httpx-reset", "httpx-structlog", "httpx-trace"),
    "SH025": (
        *("requests-message", "requests-reset", "requests-trace", "urllib3-retrying"),
        *("aiohttp-message", "aiohttp-trace", "reqwest-reused-fin", "reqwest-reused-rst"),
        *("go-eof", "go-reset", "go-proxy-reset", "surehop-stale"),
        *("java-closed", "java-reset", "ruby-closed", "ruby-reset", "curl-empty"),
    ),
    "SH026": (
        *("node-max-connections", "node-fresh-reset", "nginx-max-connections"),
        "caddy-max-connections",
    ),
    "SH030": ("caddy-reused-fin", "caddy-reused-rst", "caddy-console-fin"),
    "SH040": ("axios-retry",),
    "SH045": (
        *("caddy-hang", "undici-headers-timeout"),
        *("java-slow", "ruby-slow", "curl-slow", "go-slow"),
    ),
    "SH047": (
        *("aiohttp-payload", "fetch-terminated", "node-aborted", "java-cut", "curl-cut"),
        *("go-proxy-cut", "caddy-cut", "caddy-console-cut"),
    ),
    "SH048": (
        "java-garbage",
        "ruby-garbage",
        "curl-garbage",
        "go-garbage",
        "caddy-console-garbage",
    ),
    "SH050": ("caddy-access",),
    "SH044": (
        *("httpx-async-refused", "aiohttp-refused"),
        *("java-refused", "ruby-refused", "curl-refused", "caddy-console-refused"),
        *("node-refused", "node-both-refused", "requests-refused", "reqwest-refused"),
        *("go-refused", "caddy-refused"),
    ),
}
EXPECTED = {name: number for number, names in FINDINGS.items() for name in names}


@pytest.mark.parametrize("file", sorted(DATA.glob("*.log")), ids=lambda file: file.stem)
def test_each_text_is_its_rules(file: Path, tmp_path: Path) -> None:
    told = report(tmp_path, file.read_bytes(), file="app.log")

    found = [each.id for each in told.findings if each.severity > Severity.INFO]
    assert found[:1] == ([EXPECTED[file.stem]] if file.stem in EXPECTED else [])
    assert told.logs.understood


HEALTHY = {
    "python": """\
2026-01-05 10:00:00,250 INFO app: 200 GET /a in 12 ms
2026-01-05 10:00:01,250 ERROR app: failed
Traceback (most recent call last):
  File "/srv/app/main.py", line 7, in order
    price = prices[name]
KeyError: 'tea'
2026-01-05 10:00:02,250 WARNING app: client disconnected before the answer was complete
""",
    "node": """\
{"level":30,"time":1767607200000,"pid":7,"hostname":"web-1","msg":"listening on 3000"}
{"level":50,"time":1767607200001,"err":{"type":"Error","message":"no such user"},"msg":"failed"}
TypeError: Cannot read properties of undefined (reading 'id')
    at order (file:///srv/app/main.mjs:7:11)
""",
    "go": """\
2026/01/05 10:00:00 listening on :8080
2026/01/05 10:00:01 order 7: sql: no rows in result set
time="2026-01-05T10:00:02Z" level=info msg="Configuration loaded from file"
""",
    "lambda": """\
2026-01-05T10:00:00.000Z START RequestId: 8f5a Version: $LATEST
2026-01-05T10:00:00.250Z END RequestId: 8f5a
2026-01-05T10:00:00.250Z REPORT RequestId: 8f5a Duration: 250.00 ms Billed Duration: 250 ms
""",
}


@pytest.mark.parametrize("name", HEALTHY)
def test_other_errors_are_nothing(name: str, tmp_path: Path) -> None:
    told = report(tmp_path, HEALTHY[name], file="app.log")

    assert told.targets[0].kind == "application log"
    assert told.findings == ()


def test_in_a_folder_sources_and_pages_are_no_logs(tmp_path: Path) -> None:
    told = "2026-01-05T10:00:00.250Z Error: socket hang up\n"
    for name in ("retry.mjs", "README.md", "changelog.txt", "app.log", "app.log.1", "stderr.err"):
        (tmp_path / name).write_text(told)

    read = [Path(each.name).name for each in examine([str(tmp_path)], options()).targets]

    assert sorted(read) == ["app.log", "app.log.1", "stderr.err"]
    assert examine([str(tmp_path / "README.md")], options()).targets
