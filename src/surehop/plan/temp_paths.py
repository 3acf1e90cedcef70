"""Folders for what does not fit the memory: each stands once, whoever uses it."""

from surehop.conf import model
from surehop.errors import ConfigError
from surehop.plan import data


class TempPaths:
    """`errors`: paths of one name that differ in their levels."""

    def __init__(self, source: model.Model) -> None:
        self._source = source
        self._found: dict[str, tuple[int, model.TempPath]] = {}
        self.errors: list[ConfigError] = []

    def index(self, temp: model.TempPath) -> int:
        path = self._source.absolute(temp.path)
        at, first = self._found.setdefault(path, (len(self._found), temp))
        if first.levels != temp.levels:
            self.errors.append(_differs(path, first, temp))
        return at

    def finish(self) -> tuple[data.TempPath, ...]:
        return tuple(data.TempPath(path, temp.levels) for path, (_, temp) in self._found.items())


def _differs(path: str, first: model.TempPath, second: model.TempPath) -> ConfigError:
    said, other = (first.where, second.where) if first.where else (second.where, None)
    place = f"{said.file}:{said.line}" if said else ""
    if other is None:
        return ConfigError(
            f'the path name "{path}" in {place} has the same name as default path, but the '
            "different levels, you need to define default path in http section",
            file="",
            line=None,
        )
    return other.fail(f'the same path name "{path}" in {place} has the different levels than')
