"""A client's defaults, as httpx names them, and requests built from them."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from surehop.client.auth import Auth, BasicAuth, FunctionAuth
from surehop.client.content import Content, Data, Files
from surehop.client.cookies import Cookies, CookieTypes
from surehop.client.headers import Headers, HeaderTypes
from surehop.client.options import DEFAULT_TIMEOUT, UNSET, Timeout, TimeoutTypes, Unset
from surehop.client.params import QueryParams, QueryParamTypes
from surehop.client.request import Request
from surehop.client.url import URL

AuthTypes: TypeAlias = tuple[str | bytes, str | bytes] | Callable[[Request], Request] | Auth
EventHooks: TypeAlias = Mapping[str, list[Callable[..., Any]]]
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_PAIR = 2


def read_auth(auth: object) -> Auth | None:
    """An `Auth` from what people give: a pair, a callable, or one."""
    if auth is None or isinstance(auth, Auth):
        return auth
    if isinstance(auth, tuple) and len(auth) == _PAIR:
        return BasicAuth(auth[0], auth[1])
    if callable(auth):
        return FunctionAuth(auth)
    seen = type(auth).__name__  # what it holds may be secret
    raise TypeError(f"`auth` is `(user, password)`, an `Auth` or a callable, not `{seen}`")


class Settings:
    """What every request of a client begins with."""

    def __init__(
        self,
        *,
        user_agent: str,
        auth: AuthTypes | None = None,
        params: "QueryParamTypes | None" = None,
        headers: "HeaderTypes | None" = None,
        cookies: "CookieTypes | None" = None,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT,
        event_hooks: EventHooks | None = None,
        base_url: URL | str = "",
    ) -> None:
        self._user_agent = user_agent
        self.auth = read_auth(auth)
        self.params = QueryParams(params)
        self.headers = self.read_headers(headers)
        self.cookies = Cookies(cookies)
        self.timeout = Timeout.of(timeout)
        self.base_url = read_base(base_url)
        self.event_hooks = read_hooks(event_hooks)

    def read_headers(self, headers: "HeaderTypes | None") -> Headers:
        """The client's own headers with these in their places."""
        read = Headers(
            {
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING,
                "Connection": "keep-alive",
                "User-Agent": self._user_agent,
            }
        )
        read.update(headers)
        return read

    def build(
        self,
        method: str,
        url: URL | str,
        *,
        content: Content | None = None,
        data: Data | None = None,
        files: Files | None = None,
        json: Any | None = None,
        params: "QueryParamTypes | None" = None,
        headers: "HeaderTypes | None" = None,
        cookies: "CookieTypes | None" = None,
        timeout: "TimeoutTypes | Unset" = UNSET,
        extensions: Mapping[str, Any] | None = None,
    ) -> Request:
        """A request with the defaults merged in; httpx's rules."""
        merged = self.headers.copy()
        merged.update(headers)
        extra = dict(extensions or {})
        if "timeout" not in extra:
            chosen = self.timeout if timeout is UNSET else Timeout.of(timeout)
            extra["timeout"] = told_timeout(chosen)
        return Request(
            method,
            self.merge_url(url),
            content=content,
            data=data,
            files=files,
            json=json,
            params=self._merge_params(params),
            headers=merged,
            cookies=self._merge_cookies(cookies),
            extensions=extra,
        )

    def merge_url(self, url: URL | str) -> URL:
        """A relative URL is appended to the base, whether it begins with `/` or not."""
        given = URL(url)
        if not given.is_relative_url:
            return given
        path = self.base_url.raw_path + given.raw_path.lstrip(b"/")
        return self.base_url.copy_with(raw_path=path)

    def _merge_params(self, params: "QueryParamTypes | None") -> "QueryParamTypes | None":
        return self.params.merge(params) if params or self.params else params

    def _merge_cookies(self, cookies: "CookieTypes | None") -> "CookieTypes | None":
        if not cookies and not self.cookies:
            return cookies
        merged = Cookies(self.cookies)
        merged.update(cookies)
        return merged

    def auth_for(self, request: Request, auth: object) -> Auth | None:
        """The request's own, the client's, or what its URL says."""
        chosen = self.auth if auth is UNSET else read_auth(auth)
        url = request.url
        if chosen is None and url.userinfo:
            return BasicAuth(url.username, url.password)
        return chosen


def read_base(url: URL | str) -> URL:
    base = URL(url)
    if base.raw_path.endswith(b"/"):
        return base
    return base.copy_with(raw_path=base.raw_path + b"/")


def read_hooks(hooks: EventHooks | None) -> dict[str, list[Callable[..., Any]]]:
    hooks = hooks or {}
    return {kind: list(hooks.get(kind, ())) for kind in ("request", "response")}


def told_timeout(timeout: Timeout) -> dict[str, float | None]:
    """As httpx has it in a request's extensions; with `total` where there is one."""
    told = timeout.as_dict()
    return told if timeout.total is None else {**told, "total": timeout.total}


_BUILDING = frozenset(inspect.signature(Settings.build).parameters) - {"self", "method", "url"}
_OF_THE_CLIENT = frozenset({"verify", "cert", "proxy", "trust_env", "limits", "uds", "upstreams"})


def refuse_unknown(options: Mapping[str, Any]) -> None:
    """TypeError for what no request can be told, with a hint where it should be told."""
    for name in options:
        if name not in _BUILDING:
            hint = "\nhint: say it to the client" if name in _OF_THE_CLIENT else ""
            hint = "\nhint: `retry=` takes a number, too" if name == "retries" else hint
            raise TypeError(f"a request has no option `{name}`{hint}")
