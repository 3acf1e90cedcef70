"""Cookies, kept by http.cookiejar and its rules about domains and paths."""

import email.message
import urllib.request
from collections.abc import Iterator, MutableMapping
from http.cookiejar import Cookie, CookieJar
from typing import Any, Protocol, TypeAlias, cast

from surehop.client.headers import Headers
from surehop.client.url import URL
from surehop.errors import CookieConflict

CookieTypes: TypeAlias = "Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]"


class Asking(Protocol):
    """What of a request cookies look at."""

    headers: Headers
    url: URL


class Answering(Protocol):
    """What of a response cookies look at."""

    @property
    def headers(self) -> Headers: ...
    @property
    def request(self) -> Asking: ...


class _Asked:
    """A request as the jar wants to see it."""

    unverifiable = False

    def __init__(self, request: Asking) -> None:
        self._request = request
        self.host = request.url.raw_host.decode("ascii")
        self.type = request.url.scheme
        self.origin_req_host = self.host

    def get_full_url(self) -> str:
        # A user would be taken for a part of the host.
        return str(self._request.url.copy_with(userinfo=None))

    def has_header(self, name: str) -> bool:
        return name in self._request.headers

    def get_header(self, name: str, default: Any = None) -> Any:
        return self._request.headers.get(name, default)

    def add_unredirected_header(self, name: str, value: str) -> None:
        self._request.headers[name] = value


class _Answered:
    """A response as the jar wants to see it."""

    def __init__(self, response: Answering) -> None:
        self._response = response

    def info(self) -> email.message.Message:
        message = email.message.Message()
        for value in self._response.headers.get_list("set-cookie"):
            message["set-cookie"] = value
        return message


class Cookies(MutableMapping[str, str]):
    """Cookies by name, over `jar`. A name of several domains or paths is a CookieConflict, unless
    `get` is told which. A jar that is given is used, not copied.
    """

    def __init__(self, cookies: "CookieTypes | None" = None) -> None:
        self.jar = cookies if isinstance(cookies, CookieJar) else CookieJar()
        if isinstance(cookies, Cookies):
            for cookie in cookies.jar:
                self.jar.set_cookie(cookie)
        elif isinstance(cookies, dict):
            for name, value in cookies.items():
                self.set(name, value)
        elif isinstance(cookies, list):
            for name, value in cookies:
                self.set(name, value)
        elif cookies is not None and not isinstance(cookies, CookieJar):
            seen = type(cookies).__name__
            raise TypeError(f"cookies are a dict, a list of pairs, Cookies or a jar, not `{seen}`")

    def extract_cookies(self, response: Answering) -> None:
        """Takes in what the response sets, as far as its request's host may set it."""
        asked = cast("urllib.request.Request", _Asked(response.request))
        self.jar.extract_cookies(cast("Any", _Answered(response)), asked)

    def set_cookie_header(self, request: Asking) -> None:
        """Gives the request its Cookie header, unless it has one."""
        self.jar.add_cookie_header(cast("urllib.request.Request", _Asked(request)))

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Sets a cookie; without a domain it goes to every host."""
        self.jar.set_cookie(
            Cookie(
                version=0,
                name=name,
                value=value,
                port=None,
                port_specified=False,
                domain=domain,
                domain_specified=bool(domain),
                domain_initial_dot=domain.startswith("."),
                path=path,
                path_specified=bool(path),
                secure=False,
                expires=None,
                discard=True,
                comment=None,
                comment_url=None,
                rest={"HttpOnly": ""},
                rfc2109=False,
            )
        )

    def _matching(self, name: str, domain: str | None, path: str | None) -> list[Cookie]:
        return [
            cookie
            for cookie in self.jar
            if cookie.name == name
            and (domain is None or cookie.domain == domain)
            and (path is None or cookie.path == path)
        ]

    def get(  # type: ignore[override]
        self,
        name: str,
        default: str | None = None,
        domain: str | None = None,
        path: str | None = None,
    ) -> str | None:
        """The value of a name, in a domain and at a path, if they are given."""
        found = self._matching(name, domain, path)
        if len(found) > 1:
            raise CookieConflict(
                f"there are {len(found)} cookies of the name `{name}`",
                hint="say which: `cookies.get(name, domain=…, path=…)`",
            )
        return found[0].value if found else default

    def delete(self, name: str, domain: str | None = None, path: str | None = None) -> None:
        """Deletes the cookies of a name. With domain and path: KeyError if there is none."""
        if domain is not None and path is not None:
            self.jar.clear(domain, path, name)
            return
        for cookie in self._matching(name, domain, path):
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Deletes all, those of a domain, or those of a domain and path."""
        if path is not None and domain is None:
            raise ValueError("a path can only be cleared within a domain")
        self.jar.clear(*(part for part in (domain, path) if part is not None))

    def update(self, cookies: "CookieTypes | None" = None) -> None:  # type: ignore[override]
        for cookie in Cookies(cookies).jar:
            self.jar.set_cookie(cookie)

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __len__(self) -> int:
        return len(self.jar)

    def __iter__(self) -> Iterator[str]:
        return (cookie.name for cookie in self.jar)

    def __bool__(self) -> bool:
        return any(True for _ in self.jar)

    def __getstate__(self) -> list[Cookie]:
        """The cookies; a jar's own policy stays behind."""
        return list(self.jar)

    def __setstate__(self, cookies: list[Cookie]) -> None:
        self.jar = CookieJar()
        for cookie in cookies:
            self.jar.set_cookie(cookie)

    def __repr__(self) -> str:
        names = ", ".join(f"{cookie.name} for {cookie.domain or 'any'}" for cookie in self.jar)
        return f"<Cookies[{names}]>"
