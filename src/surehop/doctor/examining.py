"""Targets -> evidence -> findings: the way through the house."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from surehop.doctor.attempts import LogFacts
from surehop.doctor.baseline import fingerprint
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Configuration
from surehop.doctor.finding import Finding
from surehop.doctor.ignoring import Ignored, ignored, unknown_ids
from surehop.doctor.log_views import version_of
from surehop.doctor.options import Options
from surehop.doctor.rules import RULES
from surehop.doctor.sources.haproxy import HaproxyReader
from surehop.doctor.sources.kinds import Kind, kind_of
from surehop.doctor.sources.logs import LogReader, log_kind
from surehop.doctor.sources.nginx import NginxReader
from surehop.doctor.sources.opening import files_of, open_target
from surehop.errors import OptionError

_READ = (
    "configurations of nginx and haproxy, and logs of nginx, haproxy, envoy, load balancers of AWS"
    " and Google Cloud, and applications are read"
)


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Report:
    """`hidden` counts the findings that comments and the baseline keep back."""

    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    hidden: int
    documents: dict[str, bytes]
    logs: LogFacts


def examine(targets: Sequence[str], options: Options) -> Report:
    """Read the targets and judge them together. Raises OptionError where one can't be read."""
    gathering = _Gathering(options)
    for target in targets:
        gathering.add(target)
    logs = gathering.logs.facts()
    evidence = Evidence(
        tuple(gathering.configurations),
        logs,
        options.version or version_of(logs),
        gathering.documents,
    )
    comments = gathering.ignored()
    names = frozenset(word for r in RULES for word in (r.about.id.lower(), r.about.name))
    notes = (*gathering.notes, *_counted(logs), *unknown_ids(comments, names))
    every = sorted(judge(evidence), key=lambda each: each.order)
    told = tuple(_told(every, comments, options.known))
    return Report(
        tuple(gathering.targets),
        told,
        tuple(dict.fromkeys(notes)),
        len(every) - len(told),
        gathering.documents,
        logs,
    )


def _counted(logs: LogFacts) -> Iterable[str]:
    if logs.understood or logs.unknown:
        yield f"{logs.understood} lines of logs were understood, {logs.unknown} were not"


def judge(evidence: Evidence) -> Iterable[Finding]:
    """Ask every rule."""
    for rule in RULES:
        yield from rule.judge(evidence)


def _told(
    findings: Iterable[Finding], comments: Sequence[Ignored], known: frozenset[str]
) -> Iterable[Finding]:
    for finding in findings:
        if any(each.covers(finding) for each in comments) or fingerprint(finding) in known:
            continue
        yield finding


@dataclass(slots=True)
class _Gathering:
    options: Options
    targets: list[Target] = field(default_factory=list)
    configurations: list[Configuration] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    logs: LogReader = field(default_factory=LogReader)
    _blocks: set[str] = field(default_factory=set)

    def add(self, target: str) -> None:
        count = len(self.targets)
        for name in files_of(target):
            if name not in self.documents:  # as one that was read before includes
                self._named(name, target)
        if len(self.targets) == count and not self.documents:
            raise OptionError(f"nothing in `{target}` is known here", hint=_READ)

    def _named(self, name: str, target: str) -> None:
        try:
            self._file(name, named=name == target)
        except OptionError as error:
            if name == target:
                raise
            self.notes.append(f"{error}: the rest is judged")

    def _file(self, name: str, *, named: bool) -> None:
        with open_target(name) as opened:
            log = log_kind(opened.head)
            if log:
                self.targets.append(Target(name, log))
                self.logs.read(opened)
                return
            kind = kind_of(opened.head)
            if kind is Kind.UNKNOWN:
                if named:
                    raise OptionError(f"`{name}` is nothing that is known here", hint=_READ)
                return
            self.targets.append(Target(name, kind))
            match kind:
                case Kind.NGINX:
                    self._nginx(name, opened.whole())
                case Kind.HAPROXY:
                    self._haproxy(name, opened.whole())
                case _:
                    pass

    def _nginx(self, name: str, raw: bytes) -> None:
        reader = NginxReader(self.options.names, lambda file: Path(file).read_bytes())
        self.configurations.append(reader.read(name, raw))
        self.documents.update(reader.documents)
        self._blocks.update(reader.documents)
        self.notes.extend(reader.notes)

    def _haproxy(self, name: str, raw: bytes) -> None:
        reader = HaproxyReader(self.options.names)
        self.configurations.append(reader.read(name, raw))
        self.documents[name] = raw
        self.notes.extend(reader.notes)

    def ignored(self) -> list[Ignored]:
        return [
            each
            for file, raw in self.documents.items()
            for each in ignored(file, raw, blocks=file in self._blocks)
        ]
