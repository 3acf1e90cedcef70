"""`sticky`, and the ids by which servers are recognised."""

import hashlib

from surehop.conf import model
from surehop.conf.templates import Template, Variable
from surehop.plan import choosing


def sticky(said: model.Sticky | None) -> choosing.Sticky | None:
    match said:
        case None:
            return None
        case model.StickyCookie():
            return choosing.StickyCookie(
                name=said.name,
                expires_s=said.expires,
                domain=said.domain,
                httponly=said.httponly,
                secure=said.secure,
                samesite=said.samesite,
                path=said.path,
            )
        case model.RouteBy(variables):
            return choosing.StickyRoute(_variables(variables))
        case model.Learn():
            return choosing.StickyLearn(
                create=_variables(said.create),
                lookup=_variables(said.lookup),
                size=said.size,
                timeout_ms=said.timeout_ms,
                header=said.header,
            )


def sid(member: model.Member, address: str) -> str:
    """Give the `route` of the server, or the hash of its address, as nginx makes it."""
    if member.route is not None:
        return member.route
    raw = address.encode("utf-8", "surrogateescape")
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _variables(names: tuple[str, ...]) -> Template:
    return tuple(Variable(name) for name in names)
