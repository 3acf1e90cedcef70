"""Targets -> evidence -> findings: the way through the house."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from surehop.doctor.attempts import LogFacts, LogFile, read_facts
from surehop.doctor.baseline import fingerprint
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Configuration
from surehop.doctor.finding import Finding
from surehop.doctor.ignoring import Ignored, ignored, unknown_ids
from surehop.doctor.log_views import version_of
from surehop.doctor.options import Options
from surehop.doctor.probing.hop import looks_like_url
from surehop.doctor.probing.limits import Job
from surehop.doctor.probing.servers import hops_of
from surehop.doctor.probing.sheet import Sheet
from surehop.doctor.rules import RULES
from surehop.doctor.secrets import discreet, discreet_sheet, masked
from surehop.doctor.sources.haproxy import HaproxyReader
from surehop.doctor.sources.kinds import Kind, is_meant, kind_of
from surehop.doctor.sources.logs import Followed, LogReader, log_kind
from surehop.doctor.sources.nginx import NginxReader, access_formats
from surehop.doctor.sources.opening import (
    Opened,
    files_of,
    is_plain,
    is_rotated,
    open_target,
)
from surehop.errors import OptionError

_READ = (
    "configurations of nginx and haproxy; logs of nginx, haproxy, envoy, load balancers of AWS"
    " and Google Cloud, and applications; and captures are read"
)


class Target(NamedTuple):
    name: str
    kind: str


class Report(NamedTuple):
    """`hidden` counts the findings that comments and the baseline keep back.

    `digest` is all that the logs told, to be put together with that of other machines.
    """

    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    hidden: int
    documents: Mapping[str, bytes]
    logs: LogFacts
    probes: tuple[Sheet, ...] = ()
    digest: bytes = b""


def examine(targets: Sequence[str], options: Options) -> Report:
    """Read and probe the targets, and judge them together.

    Raises OptionError where one can't be read.
    """
    return Examination(targets, options).report()


class Examination:
    """Targets that were read and probed. With `follow`, logs stay open and are read on; `close` it.

    Raises OptionError where one can't be read.
    """

    def __init__(self, targets: Sequence[str], options: Options, *, follow: bool = False) -> None:
        self._options = options
        self._gathering = _Gathering(options, follow=follow)
        for target in targets:
            self._gathering.add(target)
        self._gathering.finish(targets)
        self._probes = self._gathering.probed()

    def read_on(self) -> bool:
        """Read what logs have got since; whether there was anything."""
        grown = [self._gathering.look(), *(each.read_on() for each in self._gathering.followed)]
        return any(grown)

    def close(self) -> None:
        for each in self._gathering.followed:
            each.close()

    def report(self) -> Report:
        """Judge all that is known by now."""
        gathering, options = self._gathering, self._options
        digest = gathering.logs.digest(gathering.followed)
        logs = read_facts(digest)
        evidence = Evidence(
            tuple(gathering.configurations),
            logs,
            options.version or version_of(logs),
            gathering.documents,
            self._probes,
        )
        comments = gathering.ignored()
        names = frozenset(word for r in RULES for word in (r.about.id.lower(), r.about.name))
        notes = (*gathering.notes, *_counted(logs), *unknown_ids(comments, names))
        every = sorted(judge(evidence), key=lambda each: each.order)
        told = tuple(map(discreet, _told(every, comments, options.known)))
        return Report(
            tuple(gathering.targets),
            told,
            tuple(dict.fromkeys(notes)),
            len(every) - len(told),
            gathering.documents,
            logs,
            tuple(map(discreet_sheet, self._probes)),
            digest,
        )


def _counted(logs: LogFacts) -> Iterable[str]:
    lines = [each for each in logs.files if not each.captured]
    if any(each.lines for each in lines):
        understood = sum(each.understood for each in lines)
        unknown = sum(each.unknown for each in lines)
        yield f"{understood} lines of logs were understood, {unknown} were not"
    for each in logs.files:
        if each.captured:
            yield _packets(each)
    if logs.others or logs.other_outages:
        others = f"{logs.others} lines of other peers, {logs.other_outages} of other outages"
        yield f"the logs tell of more than is kept apart: {others} are only counted"


def _packets(file: LogFile) -> str:
    unknown = f", {file.unknown} of them fragments, or cut too short" if file.unknown else ""
    broken = "; the file is damaged or cut off after them" if file.broken else ""
    return f"`{file.name}`: {file.lines} packets were read{unknown}{broken}"


def judge(evidence: Evidence) -> Iterable[Finding]:
    """Ask every rule."""
    for rule in RULES:
        yield from rule.judge(evidence)


def _told(
    findings: Iterable[Finding], comments: Sequence[Ignored], known: frozenset[str]
) -> Iterable[Finding]:
    for finding in findings:
        if any(each.covers(finding) for each in comments) or (
            known and fingerprint(finding) in known
        ):
            continue
        yield finding


def _included(file: str) -> bytes:
    """Raises OSError; what is no file may have no end."""
    path = Path(file)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file")
    return path.read_bytes()


class _Gathering:
    def __init__(self, options: Options, *, follow: bool) -> None:
        self.targets: list[Target] = []
        self.configurations: list[Configuration] = []
        self.documents: dict[str, bytes] = {}
        self.notes: list[str] = []
        self.logs = LogReader(options.reading.progress, options.reading.rows)
        self.followed: list[Followed] = []
        self._options = options
        self._follow = follow
        self._blocks: set[str] = set()
        self._jobs: list[Job] = []
        self._later: list[tuple[str, str]] = []
        self._known: set[str] = set()
        self._read: set[str] = set()  # real paths
        self._seen: dict[str, str] = {}  # each file that was looked at, with its target

    def add(self, target: str) -> None:
        if looks_like_url(target):
            self._url(target)
            return
        for name in files_of(target, self._unread):
            self._seen[name] = target
            real = os.path.realpath(name)
            if real in self._read:  # by another name, or as one that was read before includes
                self._known.add(target)
                continue
            self._read.add(real)
            if is_plain(name):
                self._named(name, target, self._configuration)
            else:
                self._later.append((name, target))

    def finish(self, targets: Iterable[str]) -> None:
        """Read the logs: by now configurations have told how access logs are written."""
        for name, target in self._later:
            self._named(name, target, self._anything)
        for target in targets:
            if target not in self._known:
                nothing = f"nothing in `{target}` is known here"
                if not self._known:
                    raise OptionError(nothing, hint=_READ)
                self.notes.append(nothing)  # a folder of logs may be empty yet

    def look(self) -> bool:
        """Take in the files that folders have got since; whether there was anything."""
        before = len(self.targets)
        folders = {target for name, target in self._seen.items() if name != target}
        for folder in sorted(folders):
            for name in files_of(folder, lambda _: None):
                if name not in self._seen:
                    self._seen[name] = folder
                    if not is_rotated(name):  # it was read under another name
                        self._named(name, folder, self._anything)
        return len(self.targets) > before

    def _unread(self, error: OptionError) -> None:
        self.notes.append(f"{error}: the rest is judged")

    def _named(self, name: str, target: str, read: Callable[[str, str], None]) -> None:
        try:
            read(name, target)
        except OptionError as error:
            if name == target:
                raise
            self._unread(error)

    def _configuration(self, name: str, target: str) -> None:
        """Read a configuration; anything else waits."""
        with open_target(name) as opened:
            kind = Kind.UNKNOWN if log_kind(opened.head) else kind_of(opened.head)
            if kind is Kind.UNKNOWN or (kind is Kind.EMPTY and self._follow):
                self._later.append((name, target))
            else:
                self._take(opened, kind, target)

    def _formats(self) -> list[str]:
        return [text for each in self.configurations for text in access_formats(each)]

    def _anything(self, name: str, target: str) -> None:
        formats = self._formats()
        with open_target(name) as opened:
            log = log_kind(opened.head, formats)
            if log and (name == target or is_meant(log, name)):
                self._known.add(target)
                self.targets.append(Target(name, log))
                self._log(opened, formats)
                return
            kind = kind_of(opened.head)
            if kind is not Kind.UNKNOWN:
                self._take(opened, kind, target)
            elif name == target:
                raise OptionError(f"`{name}` is nothing that is known here", hint=_READ)

    def _log(self, opened: Opened, formats: Sequence[str]) -> None:
        if self._follow and opened.descriptor is not None and not is_rotated(opened.name):
            self.followed.append(Followed(opened.name, formats))
            return
        try:
            self.logs.read(opened, formats)
        except OptionError as error:
            self.notes.append(f"{error}: what stands before that is judged")

    def _take(self, opened: Opened, kind: Kind, target: str) -> None:
        self._known.add(target)
        self.targets.append(Target(opened.name, kind))
        if kind is Kind.EMPTY and self._follow:
            self._log(opened, self._formats())
        elif kind is Kind.NGINX:
            self._nginx(opened.name, opened.whole())
        elif kind is Kind.HAPROXY:
            self._haproxy(opened.name, opened.whole())
        elif kind is Kind.DIGEST:
            self.logs.merge(opened)

    def _nginx(self, name: str, raw: bytes) -> None:
        reader = NginxReader(self._options.names, _included)
        self.configurations.append(reader.read(name, raw))
        self.documents.update(reader.documents)
        self._blocks.update(reader.documents)
        self._read.update(map(os.path.realpath, reader.documents))
        self.notes.extend(reader.notes)

    def _haproxy(self, name: str, raw: bytes) -> None:
        reader = HaproxyReader(self._options.names)
        self.configurations.append(reader.read(name, raw))
        self.documents[name] = raw
        self.notes.extend(reader.notes)

    def _url(self, target: str) -> None:
        from surehop.doctor.probing.url import hop_of  # noqa: PLC0415 (few runs are given one)

        hop = hop_of(target)
        addresses = self._options.names(hop.host) if hop.host else ()
        if addresses is None:
            hint = "`--resolve NAME=ADDR` tells its addresses"
            raise OptionError(f"`{hop.host}` has no address that is known here", hint=hint)
        self._known.add(target)
        self.targets.append(Target(masked(target), Kind.SERVER))
        self._jobs.append(Job(hop, addresses, self._options.probing.asked))

    def probed(self) -> tuple[Sheet, ...]:
        """Probe the URLs, and if that is wanted the servers of the configurations."""
        probing = self._options.probing
        if probing.servers:
            asked = probing.asked._replace(chain=2, crowd=0, full=False)
            named = {job.hop.key for job in self._jobs}
            for hop, server in hops_of(self.configurations).items():
                if hop.key in named:
                    continue
                if server.addresses or hop.unix:
                    self._jobs.append(Job(hop, server.addresses or (), asked))
                else:
                    self.notes.append(f"`{server.text}` is not probed: nobody knows its addresses")
        if not self._jobs:
            return ()
        from surehop.doctor.probing.several import probe_all  # noqa: PLC0415 (it draws TLS in)

        return probe_all(self._jobs, probing.talk)

    def ignored(self) -> list[Ignored]:
        return [
            each
            for file, raw in self.documents.items()
            for each in ignored(file, raw, blocks=file in self._blocks)
        ]
