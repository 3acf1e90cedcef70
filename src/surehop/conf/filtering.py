"""What of the directives about outgoing answers holds in a block."""

from surehop.conf.filters import Added, Filters
from surehop.conf.scope import Context, Scope
from surehop.conf.table import value_of


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
