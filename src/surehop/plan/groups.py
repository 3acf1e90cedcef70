"""Upstreams, and the targets of `proxy_pass` that have no block, -> groups of peers."""

from collections.abc import Sequence
from dataclasses import astuple, fields, replace

from surehop.conf import model
from surehop.conf.address import Address, socket_text
from surehop.errors import ConfigError
from surehop.plan import choosing, data
from surehop.plan.binding import sid, sticky
from surehop.plan.resolving import Resolver

_BOTH_FAMILIES = 2
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_IMPLICIT = model.Keepalive(0, local=False, requests=1000, time_ms=3_600_000, timeout_ms=60_000)
_HINT = (
    "requests go to each in turn; if the server listens on one of them alone, write that address"
)


class Groups:
    """Collects groups while the locations are gone through; `errors` are names not found."""

    def __init__(self, source: model.Model, resolve: Resolver, *, resilience_default: bool) -> None:
        self._resolve = resolve
        self._default = resilience_default
        self._outer = source.resilience
        self._by_name = {up.name.lower(): at for at, up in enumerate(source.upstreams)}
        self._upstreams = source.upstreams
        self._implicit: dict[tuple[str, int], int] = {}
        self._scopes = [0] * len(source.upstreams)
        self.errors: list[ConfigError] = []
        self.warnings: list[data.Warned] = []
        self._groups = [self._explicit(upstream) for upstream in source.upstreams]

    @property
    def strict(self) -> bool:
        """Whether any point of `resilience` holds in `http`: else it is nginx to the letter."""
        return any(astuple(self._rules(self._outer)))

    def finish(self) -> tuple[choosing.Group, ...]:
        """Give all groups, now that it is known how many locations use each."""
        return tuple(
            _with_scopes(group, used + 1)
            for group, used in zip(self._groups, self._scopes, strict=True)
        )

    def target(self, url: Address, where: model.Where) -> tuple[int, int]:
        """Give the group of a `proxy_pass`, and the pool scope of its location."""
        group = self._by_name.get(url.host.lower()) if not url.unix else None
        if group is None:
            return self._implicit_group(url, where), 0
        if not self._upstreams[group].keepalive.local:
            return group, 0
        self._scopes[group] += 1
        return group, self._scopes[group]

    def _implicit_group(self, url: Address, where: model.Where) -> int:
        key = (url.unix or url.host.lower(), url.port)
        if key not in self._implicit:
            name = url.unix or url.host
            member = model.Member(url, where)
            rules = self._rules(self._outer)
            peers = self._peers(name, member, rules, label=_peer_label(url), wanted=name)
            peers = [_unbound(peer) for peer in peers]
            self._implicit[key] = len(self._groups)
            self._scopes.append(0)
            self._groups.append(
                choosing.Group(
                    name=name,
                    implicit=True,
                    zone=None,
                    balance="round_robin",
                    hash_key=(),
                    sticky=None,
                    peers=tuple(peers),
                    keepalive=_keepalive(_IMPLICIT),
                    resilience=rules,
                )
            )
        return self._implicit[key]

    def _explicit(self, upstream: model.Upstream) -> choosing.Group:
        rules = self._rules(upstream.resilience)
        peers: list[choosing.Peer] = []
        for member in upstream.members:
            label = member.address.text
            peers += self._peers(upstream.name, member, rules, label=label, wanted=label)
        return choosing.Group(
            name=upstream.name,
            implicit=False,
            zone=upstream.zone,
            balance=upstream.balance.method,
            hash_key=upstream.balance.key,
            sticky=sticky(upstream.sticky),
            peers=tuple(peers) if upstream.sticky else tuple(_unbound(peer) for peer in peers),
            keepalive=_keepalive(upstream.keepalive),
            resilience=rules,
            queue=_queue(upstream.queue),
        )

    def _rules(self, said: model.Resilience) -> choosing.Resilience:
        def rule(name: str) -> bool:
            value: bool | None = getattr(said, name)
            return self._default if value is None else value

        return choosing.Resilience(
            **{field.name: rule(field.name) for field in fields(choosing.Resilience)}
        )

    def _peers(
        self,
        group: str,
        member: model.Member,
        rules: choosing.Resilience,
        *,
        label: str,
        wanted: str,
    ) -> Sequence[choosing.Peer]:
        """Make one peer an address. `wanted` is what nginx calls a name that isn't found."""
        addresses = self._addresses(group, member, rules, wanted)
        return [
            choosing.Peer(
                address=address,
                name=label,
                weight=member.weight,
                max_fails=member.max_fails,
                fail_timeout_ms=member.fail_timeout_ms,
                max_conns=member.max_conns,
                down=member.down,
                backup=member.backup,
                drain=member.drain,
                sid=sid(member, address),
                slow_start_ms=member.slow_start_ms,
            )
            for address in addresses
        ]

    def _addresses(
        self, group: str, member: model.Member, rules: choosing.Resilience, wanted: str
    ) -> Sequence[str]:
        address = member.address
        if address.literal is not None:
            return [address.literal]
        found = self._resolve(address.host)
        if not found:
            message = f'host not found in upstream "{wanted}"'
            self.errors.append(member.where.fail(message, hint=_not_found(address.host)))
        texts = [socket_text(ip, address.port) for ip in found]
        # With every rule off the log is nginx's, which says nothing of it.
        if len({ip.version for ip in found}) == _BOTH_FAMILIES and any(astuple(rules)):
            self._warn(group, member, texts)
        return texts

    def _warn(self, group: str, member: model.Member, texts: list[str]) -> None:
        count = _COUNTS.get(len(texts), str(len(texts)))
        listed = f"{', '.join(texts[:-1])} and {texts[-1]}"
        place = f"{member.where.file}:{member.where.line}"
        label = _peer_label(member.address)
        text = f'upstream "{group}": "{label}" is {count} servers, {listed} in {place}'
        self.warnings.append(data.Warned(text, _HINT))


def _peer_label(address: Address) -> str:
    """Give the address as written, less the URI."""
    if address.unix:
        return f"unix:{address.unix}"
    return address.text.removesuffix(address.uri) if address.uri else address.text


def _not_found(host: str) -> str:
    return f"no address is known for `{host}`; `getent ahosts {host}` shows what the system says"


def _unbound(peer: choosing.Peer) -> choosing.Peer:
    return replace(peer, sid=None)


def _keepalive(said: model.Keepalive) -> choosing.Keepalive:
    return choosing.Keepalive(
        connections=said.connections,
        scopes=1,
        requests=said.requests,
        time_ms=said.time_ms,
        timeout_ms=said.timeout_ms,
    )


def _with_scopes(group: choosing.Group, scopes: int) -> choosing.Group:
    return replace(group, keepalive=replace(group.keepalive, scopes=scopes))


def _queue(queue: model.Queue | None) -> choosing.Queue | None:
    return None if queue is None else choosing.Queue(queue.length, queue.timeout_ms)
