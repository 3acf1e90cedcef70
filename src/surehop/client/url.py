"""URLs: split by RFC 3986, escaped by the sets of the WHATWG standard, hosts by IDNA 2008."""

import ipaddress
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote, urljoin

import idna

from surehop.client.params import QueryParams, QueryParamTypes
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
        raise InvalidURL(f"control character {found[0]!r} at position {found.start()} of the {what}")


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
def _parse(url: str) -> Parts:
    return _made(_split(url))


def _changes(given: dict[str, Any]) -> dict[str, str | None]:
    """The keywords of `URL()` as parts that are to be replaced."""
    changes: dict[str, str | None] = {}
    for key, value in given.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise TypeError(f"a URL has no part `{key}`")
        if value is not None and not isinstance(value, kind):
            seen = type(value).__name__
            raise TypeError(f"`{key}` of a URL must be {kind.__name__}, not {seen}")
        if key != "params":
            changes[key] = value.decode("ascii") if isinstance(value, bytes) else value
    if "params" in given:
        params = given["params"]
        changes["query"] = str(QueryParams(params)) if params else None
    if "port" in changes and changes["port"] is not None:
        changes["port"] = str(changes["port"])
    if "netloc" in changes:
        _, changes["host"], changes["port"] = _split_authority(changes.pop("netloc") or "")
    if "username" in changes or "password" in changes:
        name = _escape(changes.pop("username", None) or "", _NAME)
        password = _escape(changes.pop("password", None) or "", _NAME)
        changes["userinfo"] = f"{name}:{password}" if password else name
    if "raw_path" in changes:
        path, mark, query = (changes.pop("raw_path") or "").partition("?")
        changes["path"], changes["query"] = path, query if mark else None
    host = changes.get("host")
    if host and ":" in host and not host.startswith("["):
        changes["host"] = f"[{host}]"
    for key, text in changes.items():
        if text is not None:
            _refuse_bad(text, f"{key} of the URL")
            if not _GIVEN[key].fullmatch(text):
                raise InvalidURL(f"{text!r} is no {key} of a URL")
    return changes


class URL:
    """A URL, immutable. `host`, `path`, `fragment`, `username` and `password` are unescaped text;
    `raw_host`, `raw_path`, `query`, `userinfo` and `netloc` are bytes as they are sent.

    Keywords replace parts. Raises InvalidURL for what is no URL.
    """

    __slots__ = ("_parts", "_text")

    def __init__(self, url: "URL | str" = "", **parts: Any) -> None:
        if isinstance(url, str):
            if not parts:
                self._parts = _parse(url)
            else:
                self._parts = _made({**_split(url), **_changes(parts)})
        elif isinstance(url, URL):
            self._parts = url._parts if not parts else _made({**url._split(), **_changes(parts)})
        else:
            raise TypeError(f"a URL is made of str or URL, not of `{type(url).__name__}`")
        self._text: str | None = None

    def _split(self) -> dict[str, str | None]:
        parts = self._parts
        return {
            "scheme": parts.scheme,
            "userinfo": parts.userinfo,
            "host": f"[{parts.host}]" if ":" in parts.host else parts.host,
            "port": None if parts.port is None else str(parts.port),
            "path": parts.path,
            "query": parts.query,
            "fragment": parts.fragment,
        }

    @property
    def scheme(self) -> str:
        """In lower case; empty in a relative URL."""
        return self._parts.scheme

    @property
    def raw_scheme(self) -> bytes:
        return self._parts.scheme.encode("ascii")

    @property
    def userinfo(self) -> bytes:
        return self._parts.userinfo.encode("ascii")

    @property
    def username(self) -> str:
        return unquote(self._parts.userinfo.partition(":")[0])

    @property
    def password(self) -> str:
        return unquote(self._parts.userinfo.partition(":")[2])

    @property
    def host(self) -> str:
        """In lower case, an IDNA name as Unicode, an IPv6 address without brackets."""
        host = self._parts.host
        if host.startswith("xn--"):
            try:
                return idna.decode(host)
            except (idna.IDNAError, UnicodeError):
                return host
        return host

    @property
    def raw_host(self) -> bytes:
        return self._parts.host.encode("ascii")

    @property
    def port(self) -> int | None:
        """None for the scheme's default port, given or not."""
        return self._parts.port

    @property
    def netloc(self) -> bytes:
        """`host` or `host:port`, as in a Host header."""
        return self._parts.netloc.encode("ascii")

    @property
    def authority(self) -> str:
        """`netloc` as text; never with userinfo."""
        return self._parts.netloc

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, encoded host and port (the default filled in): equal for URLs of one origin."""
        parts = self._parts
        port = DEFAULT_PORTS.get(parts.scheme) if parts.port is None else parts.port
        return parts.scheme, parts.host, port

    @property
    def path(self) -> str:
        return unquote(self._parts.path or "/")

    @property
    def query(self) -> bytes:
        """Without the `?`."""
        return (self._parts.query or "").encode("ascii")

    @property
    def params(self) -> QueryParams:
        return QueryParams(self._parts.query)

    @property
    def raw_path(self) -> bytes:
        """The path and the query as a request line has them."""
        parts = self._parts
        path = parts.path or "/"
        return (path if parts.query is None else f"{path}?{parts.query}").encode("ascii")

    @property
    def fragment(self) -> str:
        return unquote(self._parts.fragment or "")

    @property
    def is_absolute_url(self) -> bool:
        """Whether it says scheme and host."""
        return bool(self._parts.scheme and self._parts.host)

    @property
    def is_relative_url(self) -> bool:
        return not self.is_absolute_url

    def copy_with(self, **parts: Any) -> "URL":
        return URL(self, **parts)

    def copy_set_param(self, key: str, value: Any = None) -> "URL":
        return self.copy_with(params=self.params.set(key, value))

    def copy_add_param(self, key: str, value: Any = None) -> "URL":
        return self.copy_with(params=self.params.add(key, value))

    def copy_remove_param(self, key: str) -> "URL":
        return self.copy_with(params=self.params.remove(key))

    def copy_merge_params(self, params: QueryParamTypes) -> "URL":
        return self.copy_with(params=self.params.merge(params))

    def join(self, url: "URL | str") -> "URL":
        """What `url` means on a page at this one."""
        return URL(urljoin(str(self), str(URL(url))))

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, URL):
            return self._parts == other._parts
        try:
            return isinstance(other, str) and self._parts == _parse(other)
        except InvalidURL:
            return False

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._parts.write(self._parts.userinfo)
        return self._text

    def __repr__(self) -> str:
        name, mark, _ = self._parts.userinfo.partition(":")
        return f"URL({self._parts.write(f'{name}:[secure]' if mark else name)!r})"


@lru_cache(maxsize=1024)
def url_of(text: str) -> URL:
    """The URL of a text that comes again and again; URLs don't change, so they can be shared."""
    return URL(text)
