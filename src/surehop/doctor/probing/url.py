"""A URL -> the hop that it names."""

import re

from surehop.client.url import URL
from surehop.doctor.probing.hop import SCHEMES, Hop
from surehop.errors import InvalidURL, OptionError

_UNIX = re.compile(r"(?P<scheme>https?)://unix:(?P<path>/[^:]+)(?::(?P<target>/.*)?)?")
_FORM = "write `http://HOST:PORT/` or `https://HOST/`"


def hop_of(text: str) -> Hop:
    """Read a URL; `http://unix:PATH:/` is a socket's, as nginx writes it. Raises OptionError."""
    if found := _UNIX.fullmatch(text):
        plain = hop_of(f"{found['scheme']}://localhost{found['target'] or '/'}")
        return plain._replace(host="", port=0, unix=found["path"])
    try:
        url = URL(text)
    except InvalidURL as error:
        raise OptionError(f"`{text}` is no URL: {error}", hint=_FORM) from None
    if url.scheme not in SCHEMES or not url.raw_host:
        raise OptionError(f"`{text}` can't be probed: it names no HTTP server", hint=_FORM)
    if url.userinfo:
        raise OptionError("a probe sends no passwords", hint="leave them out of the URL")
    name = url.raw_host.decode("ascii")
    host = f"[{name}]" if ":" in name else name
    return Hop(
        host,
        url.port or SCHEMES[url.scheme],
        tls=url.scheme == "https",
        target=url.raw_path.decode("ascii"),
    )
