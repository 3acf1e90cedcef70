"""One request without a client of one's own: `surehop.get(…)` and its like."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict, Unpack

from surehop.client.base import Options
from surehop.client.facade import Client
from surehop.client.options import DEFAULT_TIMEOUT, Proxy, TimeoutTypes
from surehop.client.response import Response
from surehop.client.trust import CertTypes, VerifyTypes
from surehop.client.url import URL


class OnceOptions(TypedDict, total=False):
    """What a client of one request is made with."""

    verify: VerifyTypes
    cert: CertTypes | None
    trust_env: bool
    proxy: Proxy | URL | str | None
    uds: str | Path | None


class AllOptions(Options, OnceOptions, total=False):
    """Of the request, and of its client."""


_OF_THE_CLIENT = frozenset(OnceOptions.__annotations__)


def request(method: str, url: URL | str, **options: Unpack[AllOptions]) -> Response:
    """Send one request on a connection of its own. Many requests want a `Client`."""
    made, told = _split(options)
    with Client(**made) as client:
        return client.request(method, url, **told)


@contextmanager
def stream(method: str, url: URL | str, **options: Unpack[AllOptions]) -> Iterator[Response]:
    """As `request`; the body is read piece by piece within the block."""
    made, told = _split(options)
    with Client(**made) as client, client.stream(method, url, **told) as response:
        yield response


def get(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("GET", url, **options)


def head(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("HEAD", url, **options)


def options(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("OPTIONS", url, **options)


def delete(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("DELETE", url, **options)


def post(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("POST", url, **options)


def put(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("PUT", url, **options)


def patch(url: URL | str, **options: Unpack[AllOptions]) -> Response:
    return request("PATCH", url, **options)


def _split(options: AllOptions) -> tuple[Any, Any]:
    made: dict[str, Any] = {k: v for k, v in options.items() if k in _OF_THE_CLIENT}
    told: dict[str, Any] = {k: v for k, v in options.items() if k not in _OF_THE_CLIENT}
    timeout: TimeoutTypes = told.get("timeout", DEFAULT_TIMEOUT)
    return {**made, "timeout": timeout}, told
