"""URLs, as people hold them."""

from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urljoin

import idna

from surehop.client.params import QueryParams, QueryParamTypes
from surehop.client.parts import DEFAULT_PORTS, Parts, parse, with_changes
from surehop.errors import InvalidURL


class URL:
    """A URL, immutable. `host`, `path`, `fragment`, `username` and `password` are unescaped text;
    `raw_host`, `raw_path`, `query`, `userinfo` and `netloc` are bytes as they are sent.

    Keywords replace parts. Raises InvalidURL for what is no URL.
    """

    __slots__ = ("_parts", "_text")

    def __init__(self, url: "URL | str" = "", **parts: Any) -> None:
        if isinstance(url, URL):
            self._parts: Parts = url._parts  # noqa: SLF001 (its own)
            if parts:
                self._parts = with_changes(self._parts, parts)
        elif isinstance(url, str):
            self._parts = parse(url) if not parts else with_changes(url, parts)
        else:
            raise TypeError(f"a URL is made of str or URL, not of `{type(url).__name__}`")
        self._text: str | None = None

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
            return isinstance(other, str) and self._parts == parse(other)
        except InvalidURL:
            return False

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._parts.write(self._parts.userinfo)
        return self._text

    @property
    def shown(self) -> str:
        """The URL as it may stand in a log: without its password."""
        name, mark, _ = self._parts.userinfo.partition(":")
        return self._parts.write(f"{name}:[secure]") if mark else str(self)

    def __repr__(self) -> str:
        return f"URL({self.shown!r})"


@lru_cache(maxsize=1024)
def url_of(text: str) -> URL:
    """The URL of a text that comes again and again; URLs don't change, so they can be shared."""
    return URL(text)
