"""What is said of files, as the plan has it: paths are made absolute, tables of types kept once."""

from surehop.conf import model
from surehop.conf.templates import Template, Text
from surehop.plan import data

_Types = tuple[tuple[str, str], ...]


class Serving:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix if prefix.endswith("/") else f"{prefix}/"
        self._types: dict[_Types, int] = {}

    def types(self) -> tuple[_Types, ...]:
        """Give the tables that `files` has met."""
        return tuple(self._types)

    def files(self, files: model.Files) -> data.Files:
        return data.Files(
            root=self._absolute(files.root),
            alias=files.alias,
            whole=files.whole,
            index=files.index,
            tries=_tries(files.tries),
            types=self._types.setdefault(files.types, len(self._types)),
            default_type=files.default_type,
            etag=files.etag,
            if_modified_since=files.if_modified_since,
            max_ranges=files.max_ranges,
            log_not_found=files.log_not_found,
        )

    def _absolute(self, path: Template) -> Template:
        """As nginx: what begins with a variable is looked at when it is known."""
        if not path or not isinstance(path[0], Text) or path[0].text.startswith("/"):
            return path
        return (Text(self.prefix + path[0].text), *path[1:])


def _tries(tries: model.Tries | None) -> data.Tries | None:
    if tries is None:
        return None
    found = tuple(data.Try(each.path, each.folder) for each in tries.tries)
    return data.Tries(found, tries.last, tries.code or 0)
