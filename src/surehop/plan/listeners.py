"""`listen` lines -> listeners: one a socket address, with the servers behind it."""

from collections.abc import Sequence

from surehop.conf import model
from surehop.conf.address import socket_text
from surehop.errors import ConfigError
from surehop.plan import data
from surehop.plan.resolving import Resolver

_ANY = ("0.0.0.0:", "[::]:")


class Listeners:
    """`errors` are names not found. `options` are what is said of the sockets, by address."""

    def __init__(self, resolve: Resolver) -> None:
        self._resolve = resolve
        self.errors: list[ConfigError] = []
        self.options: dict[str, model.ListenOptions] = {}

    def finish(self, servers: Sequence[model.Server]) -> tuple[data.Listener, ...]:
        """Give those with sockets first."""
        found: dict[str, list[int]] = {}
        default: dict[str, int] = {}
        for at, server in enumerate(servers):
            for listen in server.listens:
                for address in self._addresses(listen):
                    if at not in found.setdefault(address, []):
                        found[address].append(at)
                    if listen.default:
                        default.setdefault(address, at)
                    if listen.options:
                        self.options.setdefault(address, listen.options)
        order = sorted(found, key=lambda address: self._by(address, found) is not None)
        places = {address: place for place, address in enumerate(order)}
        return tuple(
            data.Listener(
                address,
                default.get(address, found[address][0]),
                tuple(found[address]),
                places.get(self._by(address, found) or ""),
            )
            for address in order
        )

    def _by(self, address: str, found: dict[str, list[int]]) -> str | None:
        """Give the wildcard by whose socket `address` is reached: nginx binds that alone."""
        host, _, port = address.rpartition(":")
        wild = (_ANY[1] if host.startswith("[") else _ANY[0]) + port
        if address.startswith(("unix:", *_ANY)) or address in self.options or wild not in found:
            return None
        return wild

    def _addresses(self, listen: model.Listen) -> Sequence[str]:
        address = listen.address
        if address.literal is not None:
            return [address.literal]
        found = self._resolve(address.host)
        if not found:
            message = f'host not found in "{address.text}" of the "listen" directive'
            self.errors.append(listen.where.fail(message))
        return [socket_text(ip, address.port) for ip in found]
