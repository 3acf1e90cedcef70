"""What real programs printed of their failures: each text is its rule's, and no other's."""

from pathlib import Path

import pytest
from reading import report

from surehop.doctor import Severity

DATA = Path(__file__).parent / "data" / "applications"
FINDINGS = {
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
        *("go-eof", "go-reset", "surehop-stale"),
    ),
    "SH026": ("node-max-connections", "node-fresh-reset", "nginx-max-connections"),
    "SH030": ("caddy-reused-fin", "caddy-reused-rst"),
    "SH040": ("axios-retry",),
}
EXPECTED = {name: number for number, names in FINDINGS.items() for name in names}


@pytest.mark.parametrize("file", sorted(DATA.glob("*.log")), ids=lambda file: file.stem)
def test_each_text_is_its_rules(file: Path, tmp_path: Path) -> None:
    told = report(tmp_path, file.read_bytes(), file="app.log")

    found = [each.id for each in told.findings if each.severity > Severity.INFO]
    assert found[:1] == ([EXPECTED[file.stem]] if file.stem in EXPECTED else [])
    assert told.logs.understood
