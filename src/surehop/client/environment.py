"""What the environment says about proxies: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.request import getproxies

from surehop.client.options import Proxy
from surehop.client.url import URL


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which URLs are meant: `all://`, `https://`, `http://host:81`, `all://*.host`, `all://*host`.

    `*.host` is what is below a host, `*host` the host as well.
    """

    text: str

    def matches(self, url: URL) -> bool:
        wanted = URL(self.text)
        if wanted.scheme not in ("all", "", url.scheme):
            return False
        if wanted.port is not None and wanted.port != url.port:
            return False
        return _host(wanted.host).fullmatch(url.host) is not None

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Smallest first: with a port, then the longest host, then a scheme."""
        url = URL(self.text)
        host = "" if url.host == "*" else url.host
        scheme = "" if url.scheme == "all" else url.scheme
        return (url.port is None, -len(host), -len(scheme))


class Proxies:
    """Which proxy a URL goes through."""

    def __init__(self, by_pattern: Mapping[str, Proxy | None]) -> None:
        patterns = sorted(map(Pattern, by_pattern), key=lambda pattern: pattern.rank)
        self._rows = [(pattern, by_pattern[pattern.text]) for pattern in patterns]

    def __bool__(self) -> bool:
        return any(proxy for _, proxy in self._rows)

    def find(self, url: URL) -> Proxy | None:
        return next((proxy for pattern, proxy in self._rows if pattern.matches(url)), None)


def read_proxies() -> dict[str, Proxy | None]:
    """The environment's proxies by pattern; None where NO_PROXY says that there is none."""
    told = getproxies()
    found: dict[str, Proxy | None] = {}
    for scheme in ("http", "https", "all"):
        if address := told.get(scheme):
            found[f"{scheme}://"] = Proxy(address if "://" in address else f"http://{address}")
    for word in told.get("no", "").split(","):
        host = word.strip()
        if host == "*":
            return {}
        if host:
            found[_exception(host)] = None
    return found


def _exception(host: str) -> str:
    """The pattern for one word of NO_PROXY. Networks are known by their first address alone."""
    if "://" in host:
        return host
    bare = host.partition("/")[0]
    if bare.startswith("["):
        return f"all://{bare}"
    match _version(bare):
        case 4:
            return f"all://{host}"
        case 6:
            return f"all://[{bare}]"
    return f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"


def _version(host: str) -> int | None:
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def _host(wanted: str) -> re.Pattern[str]:
    if wanted in ("", "*"):
        return re.compile(".*")
    if wanted.startswith("*."):
        return re.compile(rf".+\.{re.escape(wanted[2:])}")
    if wanted.startswith("*"):
        return re.compile(rf"(.+\.)?{re.escape(wanted[1:])}")
    return re.compile(re.escape(wanted))
