"""What holds where files answer: inheritance of what `files` reads."""

from surehop.conf.files import Root
from surehop.conf.model import Files
from surehop.conf.scope import Scope
from surehop.conf.table import settings_of, value_of


def files(scope: Scope) -> Files:
    """Give what holds in `scope`; `try_files` alone is not taken over."""
    root = _root(scope)
    tables = settings_of(scope, "types")
    return Files(
        root=root.path,
        alias=root.cut,
        whole=root.whole,
        index=tuple(name for line in settings_of(scope, "index") for name in line),
        tries=scope.own_value("try_files"),
        types=tuple(dict(pair for table in tables for pair in table).items()),
        default_type=value_of(scope, "default_type"),
        etag=value_of(scope, "etag"),
        if_modified_since=value_of(scope, "if_modified_since"),
        max_ranges=value_of(scope, "max_ranges"),
        log_not_found=value_of(scope, "log_not_found"),
    )


def _root(scope: Scope) -> Root:
    """`root` and `alias` are one setting under two names."""
    for outer in scope.outward():
        own: Root | None = outer.own_value("root") or outer.own_value("alias")
        if own is not None:
            return own
    default: Root = value_of(scope, "root")
    return default
