"""All that the targets told, put together: the one thing that rules read."""

from dataclasses import dataclass, field

from surehop.doctor.attempts import LogFacts
from surehop.doctor.facts import Configuration, Software
from surehop.doctor.probing.sheet import Sheet

Version = tuple[int, int, int]
# Since then an explicit upstream keeps connections alive without being told to.
KEEPS_ALIVE: Version = (1, 29, 7)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`version` is nginx's, as options or logs say it; None where they don't.

    `documents` are the files as they are.
    """

    configurations: tuple[Configuration, ...] = ()
    logs: LogFacts = field(default_factory=LogFacts)
    version: Version | None = None
    documents: dict[str, bytes] = field(default_factory=dict)
    probes: tuple[Sheet, ...] = ()

    @property
    def nginx(self) -> tuple[Configuration, ...]:
        return tuple(each for each in self.configurations if each.software is Software.NGINX)

    @property
    def haproxy(self) -> tuple[Configuration, ...]:
        return tuple(each for each in self.configurations if each.software is Software.HAPROXY)

    def line(self, file: str, number: int) -> str:
        lines = self.documents.get(file, b"").splitlines()
        raw = lines[number - 1] if 0 < number <= len(lines) else b""
        return raw.decode("utf-8", "replace").strip()
