"""nginx's configuration -> facts. What can't be read is told; the rest is judged all the same."""

import glob
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from surehop.conf.address import Address, AddressError, parse
from surehop.conf.tokens import Token, decode
from surehop.conf.tree import Broken, Node, parse as parse_tree
from surehop.conf.units import milliseconds, number
from surehop.doctor.facts import Configuration, Group, Listener, Pass, Server, Software
from surehop.doctor.finding import Place
from surehop.doctor.names import Names
from surehop.doctor.sections import Section, place
from surehop.doctor.sources.opening import STANDARD_INPUT

PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")
_SCHEME = re.compile(r"(?:[^/?]*://)?")  # it may be a variable
# A path begins with one of these even where no "/" is written.
_PATH = re.compile(r"[/?]|\$\{?(?:request_uri|uri|is_args|args|document_uri|[1-9])\b")
_WHOLE = re.compile(rb"^\s*(?:events|http)\s*\{", re.MULTILINE)  # not a part of another
_MAGIC = re.compile(r"[*?\[]")
# The blocks of the file that is read first.
_FIRST = {"events", "http", "stream", "mail"}
# What every package of nginx brings: types, and parameters of other protocols.
_BROUGHT = re.compile(r"(?:^|/)(?:mime\.types|\w+_params|fastcgi\.conf)$")
_DEEPEST = 64
_PORTS = {"https://": 443, "http://": 80, "grpc://": 80, "grpcs://": 443}

ReadFile = Callable[[str], bytes]


class NginxReader:
    """Reads one configuration and all that it includes, into `documents` and `notes`."""

    def __init__(self, names: Names, read_file: ReadFile) -> None:
        self._names = names
        self._read_file = read_file
        self._folder = PurePosixPath()
        self._told = False
        self._missing = False
        self.documents: dict[str, bytes] = {}
        self.notes: list[str] = []

    def read(self, file: str, raw: bytes) -> Configuration:
        self._folder, self._told = _prefix(file, raw), False
        top = Section(None, None)
        self._file(file, raw, top, (file,))
        return self._facts(file, top)

    def _file(self, file: str, raw: bytes, into: Section, path: tuple[str, ...]) -> None:
        self.documents[file] = raw
        pending = [(into, parse_tree(decode(raw), file), 0)]
        while pending:
            section, nodes, depth = pending.pop()
            for node in nodes:
                if isinstance(node, Broken):
                    error = node.error
                    self.notes.append(f"{file}:{error.line}: {error.message}: the rest is judged")
                elif node.name.value == "include" and node.block is None:
                    self._include(node, section, path)
                else:
                    section.own.setdefault(node.name.value, []).append(node)
                    if node.block is not None and depth < _DEEPEST:
                        inner = Section(node, section)
                        section.inner.append(inner)
                        pending.append((inner, node.block, depth + 1))

    def _include(self, node: Node, section: Section, path: tuple[str, ...]) -> None:
        if not node.args:
            return
        pattern = str(self._folder / node.args[0].value)
        if self._folder != PurePosixPath(path[0]).parent and not self._told:
            self._told = True
            where = f"`{self._folder}`, where nginx.conf is"
            self.notes.append(f"{node.file}:{node.name.line}: looked for in {where}")
        files = [pattern]
        if _MAGIC.search(pattern):
            files = sorted(glob.glob(pattern))  # noqa: PTH207 (a pattern may be absolute)
        for file in files:
            where = f"{node.file}:{node.name.line}"
            if file in path or len(path) > _DEEPEST:
                self.notes.append(f"{where}: `{file}` is included by itself")
                continue
            try:
                raw = self._read_file(file)
            except OSError as error:
                why = (error.strerror or "can't be read").lower()
                self.notes.append(f"{where}: `{file}` can't be read ({why}): the rest is judged")
                self._missing |= not _BROUGHT.search(file)
                continue
            self._file(file, raw, section, (*path, file))

    def _facts(self, file: str, top: Section) -> Configuration:
        groups: dict[str, Group] = {}
        listeners: list[Listener] = []
        values: dict[str, tuple[str, ...]] = {}
        sections = list(top.below())
        for section in sections:
            if section.kind == "upstream" and section.node and section.node.args:
                group = self._upstream(section, section.node)
                groups.setdefault(group.name.lower(), group)
            elif section.kind == "server":
                listeners.extend(_listeners(section))
        _remember(values, sections)
        passes = [
            self._pass(node, section, groups)
            for section in sections
            for kind in PASSES
            for node in section.own.get(kind, ())
            if node.args and node.block is None
        ]
        implicit = {id(e.group): e.group for e in passes if e.group and not e.group.explicit}
        return Configuration(
            Software.NGINX,
            file,
            (*groups.values(), *implicit.values()),
            tuple(passes),
            tuple(listeners),
            top,
            values,
            whole=not self._missing and any(each.kind in _FIRST for each in top.inner),
        )

    def _upstream(self, section: Section, node: Node) -> Group:
        servers = tuple(self._server(each) for each in section.own.get("server", ()) if each.args)
        keep = section.own.get("keepalive", [None])[-1]
        return Group(
            Software.NGINX,
            node.args[0].value,
            place(node, node.args[0]),
            explicit=True,
            servers=servers,
            keepalive=number(keep.args[0].value) if keep and keep.args else None,
            idle_ms=_own_time(section, "keepalive_timeout"),
            settings=section,
        )

    def _server(self, node: Node) -> Server:
        first = node.args[0]
        options = tuple((token.value, place(node, token)) for token in node.args[1:])
        said = {word.partition("=")[0]: word.partition("=")[2] for word, _ in options}
        try:
            address = parse(first.value, default_port=80)
        except AddressError:
            address = Address(first.value, "", 0)
        shift = 1 if first.quote else 0
        return Server(
            place=place(node),
            host_place=_part(node, first, shift, address.host),
            text=first.value,
            host=address.host,
            port=address.port,
            addresses=self._names(address.host) if address.host else None,
            named=bool(address.host) and address.literal is None,
            unix=address.unix,
            backup="backup" in said,
            down="down" in said,
            resolve="resolve" in said,
            max_fails=number(said.get("max_fails", "")),
            fail_timeout_ms=milliseconds(said.get("fail_timeout", "")),
            options=options,
        )

    def _pass(self, node: Node, section: Section, groups: dict[str, Group]) -> Pass:
        token = node.args[0]
        scheme = _SCHEME.match(token.value)
        begin = scheme.end() if scheme else 0
        rest = token.value[begin:]
        ends = _PATH.search(rest)
        host = rest[: ends.start()] if ends else rest
        if rest.lower().startswith("unix:"):
            host = rest
        group = groups.get(host.lower())
        # With a variable anywhere in it, nothing is resolved at start, and no group comes of it.
        if group is None and host and "$" not in token.value:
            group = self._implicit(node, token, begin, host)
        return Pass(node.name.value, place(node, token), section, token.value, host, group)

    def _implicit(self, node: Node, token: Token, begin: int, host: str) -> Group | None:
        try:
            port = _PORTS.get(token.value[:begin].lower(), 0)
            address = parse(host, default_port=port, uri=True)
        except AddressError:
            return None
        shift = begin + (1 if token.quote else 0)
        server = Server(
            place=place(node, token),
            host_place=_part(node, token, shift, address.host),
            text=host,
            host=address.host,
            port=address.port,
            addresses=self._names(address.host) if address.host else None,
            named=bool(address.host) and address.literal is None,
            unix=address.unix,
        )
        return Group(Software.NGINX, host, place(node, token), explicit=False, servers=(server,))


def _prefix(file: str, raw: bytes) -> PurePosixPath:
    """Give the folder that nginx starts from: a part of a configuration lies in or below it."""
    own = PurePosixPath(file).parent
    if file == STANDARD_INPUT or _WHOLE.search(raw):
        return own
    for folder in Path(file).absolute().parents:
        if (folder / "nginx.conf").is_file():
            return PurePosixPath(folder if own.is_absolute() else os.path.relpath(folder))
    return own


def _part(node: Node, token: Token, skip: int, text: str) -> Place:
    """Give the place of a part of a word; the whole word where escapes have moved it."""
    raw = token.raw
    if raw[skip : skip + len(text)] != text:
        return place(node, token)
    before = len(raw[:skip].encode("utf-8", "surrogateescape"))
    length = len(text.encode("utf-8", "surrogateescape"))
    start = token.start + before
    return Place(node.file, token.line, token.column + skip, start, start + length)


def _own_time(section: Section, name: str) -> int | None:
    nodes = section.own.get(name)
    return milliseconds(nodes[-1].args[0].value) if nodes and nodes[-1].args else None


def access_formats(configuration: Configuration) -> Iterator[str]:
    """Give the texts of the `log_format`s."""
    for section in configuration.sections:
        for node in section.own.get("log_format", ()):
            words = [each.value for each in node.args[1:]]
            yield "".join(words[1:] if words and words[0].startswith("escape=") else words)


def _listeners(section: Section) -> Iterator[Listener]:
    for node in section.own.get("listen", ()):
        if not node.args:
            continue
        try:
            address = parse(node.args[0].value, default_port=80, listen=True)
        except AddressError:
            continue
        yield Listener(address.unix or address.host, address.port, section)


def _remember(values: dict[str, tuple[str, ...]], sections: list[Section]) -> None:
    """Note what `set`, `map` and their like may put into variables."""
    for section in sections:
        for node in section.own.get("set", ()):
            if len(node.args) == 2:  # noqa: PLR2004 (`set NAME VALUE`)
                name = node.args[0].value.lstrip("$").lower()
                values[name] = (*values.get(name, ()), node.args[1].value)
        if section.kind in {"map", "geo", "split_clients"}:
            _remember_map(values, section)


def _remember_map(values: dict[str, tuple[str, ...]], section: Section) -> None:
    node = section.node
    if node is None or not node.args:
        return
    name = node.args[-1].value.lstrip("$").lower()  # behind what it is made from
    for entries in section.own.values():
        for entry in entries:
            if entry.args:
                values[name] = (*values.get(name, ()), entry.args[0].value)
