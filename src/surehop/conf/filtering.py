"""What of the directives about outgoing answers holds in a block."""

from surehop.conf.filter_rows import SPECIAL
from surehop.conf.filters import Added, Filters, Gzip
from surehop.conf.scope import Context, Scope
from surehop.conf.table import settings_of, value_of


def filters(scope: Scope) -> Filters:
    """Give what holds in `scope`."""
    return Filters(
        tokens=value_of(scope, "server_tokens"),
        headers=_added(scope, "add_header"),
        trailers=_added(scope, "add_trailer"),
        expires=value_of(scope, "expires"),
        chunked=value_of(scope, "chunked_transfer_encoding"),
        msie_padding=value_of(scope, "msie_padding"),
        msie_refresh=value_of(scope, "msie_refresh"),
        gzip=_gzip(scope) if value_of(scope, "gzip") else None,
        limit_rate=value_of(scope, "limit_rate"),
        limit_rate_after=value_of(scope, "limit_rate_after"),
    )


def _gzip(scope: Scope) -> Gzip:
    types = [kind for line in settings_of(scope, "gzip_types") for kind in line]
    disable = [word for line in settings_of(scope, "gzip_disable") for word in line]
    return Gzip(
        types=("*",) if "*" in types else tuple(dict.fromkeys(("text/html", *types))),
        min_length=value_of(scope, "gzip_min_length"),
        level=value_of(scope, "gzip_comp_level"),
        window=value_of(scope, "gzip_window").bit_length() - 1,
        http_version=value_of(scope, "gzip_http_version"),
        proxied=value_of(scope, "gzip_proxied"),
        vary=value_of(scope, "gzip_vary"),
        disable=tuple(word for word in disable if word not in SPECIAL),
        disable_msie6="msie6" in disable,
    )


def _added(scope: Scope, name: str) -> tuple[Added, ...]:
    """Give a block's own lines; which of the outer ones hold as well, `add_…_inherit` says."""
    own: tuple[Added, ...] = tuple(setting.value for setting in scope.own(name))
    if scope.parent is None or scope.context is Context.HTTP:
        return own
    inherits: str = value_of(scope, f"{name}_inherit")
    if inherits == "off" or (inherits == "on" and own):
        return own
    return (*own, *_added(scope.parent, name))
