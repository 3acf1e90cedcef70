"""haproxy.cfg -> the same facts. Lines nobody knows are left alone; only a broken quote is told."""

import re
from collections.abc import Iterator

from surehop.conf.address import AddressError, parse
from surehop.conf.tokens import decode
from surehop.doctor.facts import Configuration, Group, Server, Software
from surehop.doctor.finding import Place
from surehop.doctor.names import Names

SECTIONS = {
    *("global", "defaults", "frontend", "backend", "listen", "resolvers", "peers", "userlist"),
    *("cache", "program", "ring", "http-errors", "mailers", "fcgi-app", "log-forward"),
    *("crt-store", "log-profile", "traces", "acme"),
}
_WORD = re.compile(r"""(?:[^\s#"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
_FAMILY = re.compile(r"^(?:ipv4|ipv6|unix|abns)@")
_TWO_WORDS = {"timeout", "option", "no", "http-request", "http-check"}
# By these words HAProxy learns that a server is down: `track` is told by another's checks.
_CHECKS = {"check", "agent-check", "track"}
_SERVER_WORDS = 3  # `server NAME ADDRESS`

Words = tuple[tuple[str, Place], ...]


class _Section:
    def __init__(self, kind: str, name: str, place: Place) -> None:
        self.kind = kind
        self.name = name
        self.place = place
        self.said: dict[str, tuple[tuple[str, ...], Place]] = {}
        self.servers: list[Words] = []
        self.every: Words = ()


class HaproxyReader:
    """Reads one file."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.notes: list[str] = []
        self._ends: dict[Place, int] = {}  # of quoted words: the byte behind the quotation mark

    def read(self, file: str, raw: bytes) -> Configuration:
        sections = self._sections(file, raw)
        groups = tuple(
            self._group(section)
            for section in sections
            if section.kind in {"backend", "listen"} and section.servers
        )
        whole = any(section.kind in {"global", "defaults"} for section in sections)
        return Configuration(Software.HAPROXY, file, groups, whole=whole)

    def _sections(self, file: str, raw: bytes) -> list[_Section]:
        sections: list[_Section] = []
        defaults: dict[str, _Section] = {}
        latest = None
        for words in _lines(file, raw, self._ends):
            first = words[0][0]
            if first in SECTIONS:
                name = words[1][0] if len(words) > 1 else ""
                section = _Section(first, name, words[min(1, len(words) - 1)][1])
                inherited = None if first in {"global", "defaults"} else latest
                if _from(words):
                    inherited = defaults.get(words[-1][0])
                if inherited:
                    section.said = dict(inherited.said)
                    section.every = inherited.every
                if first == "defaults":
                    latest = defaults[name] = section
                sections.append(section)
            elif sections:
                _take(sections[-1], words)
            else:
                self.notes.append(f"{words[0][1]}: `{first}` stands in no section")
        return sections

    def _group(self, section: _Section) -> Group:
        servers = tuple(self._server(words, section.every) for words in section.servers)
        return Group(
            Software.HAPROXY,
            section.name,
            section.place,
            explicit=True,
            servers=servers,
            said=section.said,
        )

    def _server(self, words: Words, every: Words) -> Server:
        text, place = words[2]
        bare = _FAMILY.sub("", text)
        try:
            address = parse(bare, default_port=0)
            host, port, unix = address.host, address.port, address.unix
            named = bool(host) and address.literal is None
        except AddressError:
            host, port, unix, named = "", 0, bare if bare.startswith("/") else "", False
        options = (*words[3:], *every)
        said = {word for word, _ in options}
        skip = len(text) - len(bare)
        start = place.start + skip
        end = start + len(host.encode("utf-8", "surrogateescape"))
        host_place = Place(place.file, place.line, place.column + skip, start, end)
        return Server(
            place=words[0][1],
            host_place=host_place,
            text=text,
            host=host,
            port=port,
            addresses=self._names(host) if host else None,
            named=named,
            unix=unix,
            backup="backup" in said,
            down="disabled" in said,
            resolve="resolvers" in said,
            checked=not _CHECKS.isdisjoint(said) and "no-check" not in said,
            end=self._ends.get(place, place.end),
            name=words[1][0],
            options=options,
        )


def _from(words: Words) -> bool:
    return len(words) > 2 and words[-2][0] == "from"  # noqa: PLR2004 (`backend NAME from DEFAULTS`)


def _take(section: _Section, words: Words) -> None:
    first = words[0][0]
    if first in {"server", "server-template"}:
        if first == "server" and len(words) >= _SERVER_WORDS:
            section.servers.append(words)
        return
    if first == "default-server":
        section.every = (*section.every, *words[1:])
        return
    length = 2 if first in _TWO_WORDS else 1
    key = " ".join(word for word, _ in words[:length])
    section.said[key] = tuple(word for word, _ in words[length:]), words[0][1]


def _lines(file: str, raw: bytes, ends: dict[Place, int]) -> Iterator[Words]:
    begin = 0
    for number, line in enumerate(raw.split(b"\n"), 1):
        text = decode(line)
        words = []
        behind = 0
        for found in _WORD.finditer(text):
            word, at = found[0], found.start()
            if "#" in text[behind:at]:  # outside of quotation marks: the rest is a comment
                break
            behind = found.end()
            if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
                word, at = word[1:-1], at + 1
            start = begin + len(text[:at].encode("utf-8", "surrogateescape"))
            end = start + len(word.encode("utf-8", "surrogateescape"))
            place = Place(file, number, at + 1, start, end)
            words.append((word, place))
            if word != found[0]:
                ends[place] = end + 1
        if words:
            yield tuple(words)
        begin += len(line) + 1
