"""`listen` lines -> listeners: one a socket address, with the servers behind it."""

from collections.abc import Sequence

from surehop.conf import model
from surehop.conf.address import socket_text
from surehop.errors import ConfigError
from surehop.plan import data
from surehop.plan.resolving import Resolver

_ANY = ("0.0.0.0:", "[::]:")


class Listeners:
    """`errors` are names not found, and addresses that would need one shared socket."""

    def __init__(self, resolve: Resolver) -> None:
        self._resolve = resolve
        self.errors: list[ConfigError] = []

    def finish(self, servers: Sequence[model.Server]) -> tuple[data.Listener, ...]:
        found: dict[str, list[int]] = {}
        default: dict[str, int] = {}
        first: dict[str, model.Where] = {}
        for at, server in enumerate(servers):
            for listen in server.listens:
                for address in self._addresses(listen):
                    first.setdefault(address, listen.where)
                    if at not in found.setdefault(address, []):
                        found[address].append(at)
                    if listen.default:
                        default.setdefault(address, at)
        self._refuse_shared(first)
        return tuple(
            data.Listener(address, default.get(address, behind[0]), tuple(behind))
            for address, behind in found.items()
        )

    def _addresses(self, listen: model.Listen) -> Sequence[str]:
        address = listen.address
        if address.literal is not None:
            return [address.literal]
        found = self._resolve(address.host)
        if not found:
            message = f'host not found in "{address.text}" of the "listen" directive'
            self.errors.append(listen.where.fail(message))
        return [socket_text(ip, address.port) for ip in found]

    def _refuse_shared(self, first: dict[str, model.Where]) -> None:
        """nginx binds the wildcard alone and tells the addresses apart after accepting."""
        for address, where in first.items():
            any_, _, port = address.rpartition(":")
            wild = (_ANY[1] if any_.startswith("[") else _ANY[0]) + port
            if not address.startswith(("unix:", *_ANY)) and wild in first:
                message = (
                    f'"listen {address}" beside "listen {wild}" is an nginx form that surehop '
                    "does not support yet"
                )
                self.errors.append(where.fail(message))
