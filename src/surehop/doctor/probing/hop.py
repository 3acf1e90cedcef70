"""What is probed: where it is, whether HTTP is spoken there, and by what name it is asked."""

import re
from dataclasses import dataclass

from surehop.client.url import URL
from surehop.errors import InvalidURL, OptionError

_SCHEMES = {"http": 80, "https": 443}
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_FORM = "write `http://HOST:PORT/` or `https://HOST/`"


@dataclass(frozen=True, slots=True)
class Hop:
    """`host` is a name or an address, IPv6 in brackets; "" with `unix`.

    `talks` is false where something else than HTTP/1 is spoken: then nothing is sent, only
    connected. `target` is the path that is asked for. Idle connections are watched as long as
    somebody keeps them: `idle_ms`, None for as long as the options say.
    """

    host: str
    port: int
    tls: bool = False
    target: str = "/"
    unix: str = ""
    talks: bool = True
    idle_ms: int | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """Tells hops to other servers apart."""
        return self.host.lower(), self.port, self.unix

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        if self.unix:
            return "localhost"
        usual = self.port == _SCHEMES["https" if self.tls else "http"]
        return self.host if usual else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        if self.unix:
            return f"unix:{self.unix}"
        if not self.talks:
            return f"{self.host}:{self.port}"
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.target}"

    @property
    def server_name(self) -> str:
        """The name that a certificate must have."""
        return self.host.strip("[]")


def looks_like_url(text: str) -> bool:
    return _URL.match(text) is not None


def hop_of(text: str) -> Hop:
    """Read a URL. Raises OptionError."""
    try:
        url = URL(text)
    except InvalidURL as error:
        raise OptionError(f"`{text}` is no URL: {error}", hint=_FORM) from None
    if url.scheme not in _SCHEMES or not url.raw_host:
        raise OptionError(f"`{text}` can't be probed: it names no HTTP server", hint=_FORM)
    if url.userinfo:
        raise OptionError("a probe sends no passwords", hint="leave them out of the URL")
    name = url.raw_host.decode("ascii")
    host = f"[{name}]" if ":" in name else name
    return Hop(
        host,
        url.port or _SCHEMES[url.scheme],
        tls=url.scheme == "https",
        target=url.raw_path.decode("ascii"),
    )
