"""What is probed: where it is, whether HTTP is spoken there, and by what name it is asked."""

import re
from typing import NamedTuple

SCHEMES = {"http": 80, "https": 443}
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


class Hop(NamedTuple):
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
        usual = self.port == SCHEMES["https" if self.tls else "http"]
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
