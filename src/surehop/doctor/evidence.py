"""All that the targets told, put together: the one thing that rules read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from surehop.doctor.attempts import LogFacts
from surehop.doctor.facts import Configuration, Group, Software
from surehop.doctor.finding import Confidence
from surehop.doctor.probing.sheet import Sheet

Version = tuple[int, int, int]
# Since then an explicit upstream keeps connections alive without being told to.
KEEPS_ALIVE: Version = (1, 29, 7)


class Evidence(NamedTuple):
    """`version` is nginx's, as options or logs say it; None where they don't.

    `documents` are the files as they are.
    """

    configurations: tuple[Configuration, ...] = ()
    logs: LogFacts = LogFacts()
    version: Version | None = None
    documents: Mapping[str, bytes] = MappingProxyType({})
    probes: tuple[Sheet, ...] = ()

    @property
    def nginx(self) -> tuple[Configuration, ...]:
        return tuple(each for each in self.configurations if each.software is Software.NGINX)

    @property
    def haproxy(self) -> tuple[Configuration, ...]:
        return tuple(each for each in self.configurations if each.software is Software.HAPROXY)

    def keeps(self, group: Group) -> Confidence | None:
        """Tell how sure it is that nginx keeps connections to a group; None where it does not."""
        if group.keepalive is not None:
            return Confidence.HIGH if group.keepalive else None
        if not group.explicit:
            return None
        if self.version is None:
            return Confidence.MEDIUM
        return Confidence.HIGH if self.version >= KEEPS_ALIVE else None

    def line(self, file: str, number: int) -> str:
        lines = self.documents.get(file, b"").splitlines()
        raw = lines[number - 1] if 0 < number <= len(lines) else b""
        return raw.decode("utf-8", "replace").strip()
