"""What a rule says of itself: its page is made from it, and its examples are run by tests."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Edit, Finding, Place, Quote, Severity


class Example(NamedTuple):
    """What is read: `kind` is `nginx`, `haproxy` or `error log`; `names` are what names resolve to.

    `fires` shows the fault, `quiet` the same without it. `version` is nginx's, where it matters.
    """

    fires: str
    quiet: str
    kind: str = "nginx"
    names: Mapping[str, str] = MappingProxyType({})
    version: str | None = None


class About(NamedTuple):
    """A rule in words. `needs` are the targets without which it can't speak.

    `proof` are commands that show whether it is so, `scenario` is the lab's that makes it happen.
    """

    id: str
    name: str
    summary: str
    symptom: str
    cause: str
    cure: str
    needs: str
    examples: tuple[Example, ...]
    proof: tuple[str, ...] = ()
    scenario: str = ""

    @property
    def page(self) -> str:
        return f"docs/findings/{self.id}.md"

    @property
    def shown(self) -> tuple[str, ...]:
        """Give the command that makes it happen on purpose, where there is one."""
        return (f"surehop lab run {self.scenario}",) if self.scenario else ()

    def found(
        self,
        severity: Severity,
        confidence: Confidence,
        *,
        because: str,
        title: str,
        text: str,
        advice: str,
        subject: str,
        place: Place | None = None,
        fix: tuple[Edit, ...] = (),
        quotes: tuple[Quote, ...] = (),
        **more: Any,
    ) -> Finding:
        return Finding(
            id=self.id,
            name=self.name,
            severity=severity,
            confidence=confidence,
            because=because,
            title=title,
            text=text,
            advice=advice,
            subject=subject,
            place=place,
            fix=fix,
            quotes=quotes,
            proof=(*more.get("proof", self.proof), *self.shown),
            page=self.page,
        )


class Rule(NamedTuple):
    about: About
    judge: Callable[[Evidence], Iterator[Finding]]
