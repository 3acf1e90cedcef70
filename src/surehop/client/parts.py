"""The parts of URLs: split by RFC 3986, escaped as WHATWG does, hosts by IDNA 2008."""

import ipaddress
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote

import idna

from surehop.client.params import QueryParams
from surehop.errors import InvalidURL

LONGEST: Final = 65_536  # characters
DEFAULT_PORTS: Final = {"ftp": 21, "http": 80, "https": 443, "ws": 80, "wss": 443}
_HIGHEST_PORT: Final = 65_535


def _all_but(unsafe: str) -> str:
    return "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in unsafe)


# What stands in each part without being escaped; `%` everywhere, since escapes are kept.
_FRAGMENT: Final = _all_but('"<>`')
_QUERY: Final = _all_but('"#<>')
_PATH: Final = _all_but('"#<>?`{}')
_USERINFO: Final = _all_but('"#<>?`{}/;=@[\\]^|')
_NAME: Final = _USERINFO.replace(":", "")
_HOST: Final = "!$&'()*+,;=\"`{}%|\\"

_PARTS: Final = re.compile(
    r"(?:([a-zA-Z][a-zA-Z0-9+.\-]*|):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_IPV4: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_GIVEN: Final = {
    "scheme": re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.\-]*)?"),
    "userinfo": re.compile(r"[^@]*"),
    "host": re.compile(r"\[.*\]|[^:]*"),
    "port": re.compile(r".*"),
    "path": re.compile(r"[^?#]*"),
    "query": re.compile(r"[^#]*"),
    "fragment": re.compile(r".*"),
}
_KINDS: Final = {
    "scheme": str,
    "username": str,
    "password": str,
    "userinfo": bytes,
    "host": str,
    "port": int,
    "netloc": bytes,
    "path": str,
    "query": bytes,
    "raw_path": bytes,
    "fragment": str,
    "params": object,
}


class Parts(NamedTuple):
    """A URL in its canonical form: ASCII, escaped, the default port left out."""

    scheme: str
    userinfo: str
    host: str  # of an IPv6 address without its brackets
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def write(self, userinfo: str) -> str:
        authority = f"{userinfo}@{self.netloc}" if userinfo else self.netloc
        return "".join(
            (
                f"{self.scheme}:" if self.scheme else "",
                f"//{authority}" if authority else "",
                self.path,
                "" if self.query is None else f"?{self.query}",
                "" if self.fragment is None else f"#{self.fragment}",
            )
        )


def _refuse_bad(value: str, what: str) -> None:
    if len(value) > LONGEST:
        raise InvalidURL(f"the {what} is longer than {LONGEST} characters")
    if (found := _CONTROL.search(value)) is not None:
        raise InvalidURL(
            f"control character {found[0]!r} at position {found.start()} of the {what}"
        )


def _escape(value: str, safe: str) -> str:
    try:
        return quote(value, safe=safe)
    except UnicodeEncodeError:
        raise InvalidURL(f"{value!r} holds half of a surrogate pair") from None


def _host(host: str) -> str:
    if _IPV4.fullmatch(host):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise InvalidURL(f"`{host}` is no IPv4 address") from None
        return host
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise InvalidURL(f"`{host}` is no IPv6 address") from None
        return host[1:-1]
    if host.isascii():
        return quote(host.lower(), safe=_HOST)
    try:
        return idna.encode(host.lower()).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise InvalidURL(f"{host!r} is no host name that IDNA knows") from None


def _port(port: str | None, scheme: str) -> int | None:
    if not port:
        return None
    if not (port.isascii() and port.isdigit()) or (number := int(port)) > _HIGHEST_PORT:
        raise InvalidURL(f"`{port}` is no port") from None
    return None if number == DEFAULT_PORTS.get(scheme) else number


def _without_dots(path: str) -> str:
    """Takes `.` and `..` out of a path."""
    segments = path.split("/")
    if "." not in segments and ".." not in segments:
        return path
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if kept not in ([], [""]):
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)


def _split_authority(authority: str) -> tuple[str, str, str]:
    userinfo, _, place = authority.rpartition("@")
    if place.startswith("[") and (end := place.rfind("]")) > 0:
        host, port = place[: end + 1], place[end + 1 :]
        return userinfo, host, port.removeprefix(":")
    host, _, port = place.partition(":")
    return userinfo, host, port


def _made(values: dict[str, str | None]) -> Parts:
    """Checks and escapes what has been split."""
    scheme = (values["scheme"] or "").lower()
    userinfo = _escape(values["userinfo"] or "", _USERINFO)
    host = _host(values["host"] or "")
    port = _port(values["port"], scheme)
    path, query, fragment = values["path"] or "", values["query"], values["fragment"]
    placed = bool(userinfo or host or port is not None)
    if placed and path and not path.startswith("/"):
        raise InvalidURL(f"the path `{path}` must begin with `/`, since it comes after a host")
    if not placed and path.startswith("//"):
        raise InvalidURL(f"the path `{path}` begins with `//`, but no host stands before it")
    if not placed and not scheme and path.startswith(":"):
        raise InvalidURL(f"the path `{path}` begins with `:`, but no scheme stands before it")
    if placed or scheme:
        path = _without_dots(path)
    if not placed and path.startswith("//"):
        raise InvalidURL("the path begins with `//`, but no host stands before it")
    return Parts(
        scheme,
        userinfo,
        host,
        port,
        _escape(path, _PATH),
        None if query is None else _escape(query, _QUERY),
        None if fragment is None else _escape(fragment, _FRAGMENT),
    )


def _split(url: str) -> dict[str, str | None]:
    _refuse_bad(url, "URL")
    found = _PARTS.fullmatch(url)
    if found is None:  # the expression takes anything
        raise InvalidURL(f"{url!r} can't be split")
    scheme, authority, path, query, fragment = found.groups()
    userinfo, host, port = _split_authority(authority or "")
    return {
        "scheme": scheme,
        "userinfo": userinfo,
        "host": host,
        "port": port,
        "path": path,
        "query": query,
        "fragment": fragment,
    }


@lru_cache(maxsize=1024)
def parse(url: str) -> Parts:
    """A URL's parts; InvalidURL."""
    return _made(_split(url))


def _in_parts(given: dict[str, Any]) -> dict[str, str | None]:
    """The keywords of `URL()` as text, those that stand for several parts taken apart."""
    changes: dict[str, str | None] = {}
    for key, value in given.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise TypeError(f"a URL has no part `{key}`")
        if value is not None and not isinstance(value, kind):
            seen = type(value).__name__
            raise TypeError(f"`{key}` of a URL must be {kind.__name__}, not `{seen}`")
        if key == "params":
            changes["query"] = str(QueryParams(cast("Any", value))) if value else None
        elif value is None:
            changes[key] = None
        else:
            changes[key] = value.decode("ascii") if isinstance(value, bytes) else str(value)
    if "netloc" in changes:
        _, changes["host"], changes["port"] = _split_authority(changes.pop("netloc") or "")
    if "username" in changes or "password" in changes:
        name = _escape(changes.pop("username", None) or "", _NAME)
        password = _escape(changes.pop("password", None) or "", _NAME)
        changes["userinfo"] = f"{name}:{password}" if password else name
    if "raw_path" in changes:
        path, mark, query = (changes.pop("raw_path") or "").partition("?")
        changes["path"], changes["query"] = path, query if mark else None
    return changes


def _changes(given: dict[str, Any]) -> dict[str, str | None]:
    """The keywords of `URL()`, checked, as parts that are to be replaced."""
    changes = _in_parts(given)
    host = changes.get("host")
    if host and ":" in host and not host.startswith("["):
        changes["host"] = f"[{host}]"
    for key, text in changes.items():
        if text is not None:
            _refuse_bad(text, f"{key} of the URL")
            if not _GIVEN[key].fullmatch(text):
                raise InvalidURL(f"{text!r} is no {key} of a URL")
    return changes


def _taken_apart(parts: Parts) -> dict[str, str | None]:
    return {
        **parts._asdict(),
        "host": f"[{parts.host}]" if ":" in parts.host else parts.host,
        "port": None if parts.port is None else str(parts.port),
    }


def with_changes(url: str | Parts, given: dict[str, Any]) -> Parts:
    """A URL in which some parts are replaced; InvalidURL, or TypeError for an unknown part."""
    whole = _split(url) if isinstance(url, str) else _taken_apart(url)
    return _made({**whole, **_changes(given)})
