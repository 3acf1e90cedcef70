"""What an adapter is made with: what of a client's options is not the other library's to say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from surehop.client.base import Construction, Provider
from surehop.client.facade import AsyncClient, Client
from surehop.client.options import Limits, Proxy, Upstream
from surehop.client.retry import RetryTypes
from surehop.client.trust import CertTypes, VerifyTypes
from surehop.client.url import URL


class PoolOptions(TypedDict, total=False):
    """Connections, servers and retries, as for `surehop.Client`."""

    limits: Limits
    retries: RetryTypes
    retry: RetryTypes
    upstreams: Mapping[str, Upstream | list[str]] | None
    uds: str | Path | None
    local_address: str | None
    resilience: Mapping[str, bool] | None
    tracing: bool | Provider


class TransportOptions(PoolOptions, total=False):
    """Also whom to trust, and the way there."""

    verify: VerifyTypes
    cert: CertTypes | None
    trust_env: bool
    proxy: Proxy | URL | str | None


def checked(options: Mapping[str, Any], kind: type, whose: str) -> Construction:
    """A client's options. TypeError for what the other library's client is to be told."""
    for name in options:
        if name not in kind.__annotations__:
            hint = ""
            if name in Construction.__annotations__:
                hint = f"\nhint: say it to {whose}"
            raise TypeError(f"the adapter has no option `{name}`{hint}")
    told: Any = dict(options)
    limits = told.get("limits")
    if limits is not None and not isinstance(limits, Limits):
        told["limits"] = _limits(limits)
    made: Construction = told
    return made


def _limits(limits: Any) -> Limits:
    """httpx's `Limits` has the same three; TypeError for what has not."""
    try:
        return Limits(
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
        )
    except AttributeError:
        raise TypeError(f"`limits` is a `surehop.Limits`, not `{limits!r}`") from None


def sync_client(options: Mapping[str, Any], kind: type, whose: str) -> Client:
    return Client(**checked(options, kind, whose))


def async_client(options: Mapping[str, Any], kind: type, whose: str) -> AsyncClient:
    return AsyncClient(**checked(options, kind, whose))
