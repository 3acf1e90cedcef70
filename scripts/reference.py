"""Write the reference pages that are made from tables.

docs/vocabulary.md, directives.md, nginx.md, and docs/findings/ from the doctor's rules.

    python scripts/reference.py [--check] [--out DIR]

--check writes nothing and fails where a page is out of date.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from surehop import _core
from surehop.conf.known import MODULES
from surehop.conf.model import AccessLog, ErrorLog, KeepaliveTimeout
from surehop.conf.partly import PARTLY
from surehop.conf.rows import Directive, Inherit, Status
from surehop.conf.scope import Context
from surehop.conf.table import DIRECTIVES, TABLE
from surehop.conf.upstreams import KeepaliveSize
from surehop.doctor.pages import pages

DOCS = Path(__file__).parents[1] / "docs"
NOTE = "<!-- made by scripts/reference.py: `make docs` writes it anew -->\n"
SECTIONS = {
    Context.MAIN: "the file itself",
    Context.EVENTS: "`events`",
    Context.HTTP: "`http`, `server` and `location`",
    Context.UPSTREAM: "`upstream`",
}
MEANINGS = {
    "Phase": "how far an attempt had come: `phase` in `$upstream_attempts`",
    "Cause": "what the socket or the parser said: `cause`",
    "Party": "whose fault it is; follows from the reason",
    "Reason": "how an attempt ended, in one word: `$upstream_reason`, `reason`",
    "Verdict": "what followed the attempt: `verdict`",
    "Rule": "what gave the verdict: `rule`",
    "PeerStatus": "what a peer is to the balancer: `state` in the status",
}
NGINX_NOTES = {
    "proxy": (
        "Upgraded connections (WebSocket) are passed on as nginx does it, by the usual"
        " `proxy_set_header Upgrade $http_upgrade` and `Connection`: behind a `101` bytes go both"
        " ways until one side closes, and `proxy_read_timeout`, `proxy_send_timeout` and"
        " `send_timeout` hold; `limit_rate` does not, and as in nginx nobody can close by half:"
        " when all that one side sent before its end has been passed on, both connections are"
        " closed. nginx does so for every client that sent an `Upgrade`, even where that was not"
        " passed on; a `101` that no client asked for is an answer to it, what follows is the"
        " answer's body, and the client's connection is kept; and it switches while a body that"
        " goes upstream as it comes is not there yet. Surehop switches"
        " if the client asked, the request that went upstream asked too, and all of it was sent;"
        " otherwise nothing follows the head of the `101`, and both connections are closed."
    ),
}
MEGABYTE, KILOBYTE = 1 << 20, 1 << 10


def vocabulary() -> str:
    """The page of the words that logs, status and records use."""
    lines = [
        NOTE,
        "# Vocabulary",
        "",
        (
            "What happens to an attempt is told in these words everywhere: in `$upstream_reason`,"
            " `$upstream_attempts`, the status and `surehop.events`. They do not change."
        ),
    ]
    for name, words in _core.vocabulary():
        lines += [
            "",
            f"## {name}",
            "",
            f"{MEANINGS[name]}.",
            "",
            "| word | meaning |",
            "| --- | --- |",
        ]
        lines += [f"| `{word}` | {meaning} |" for word, meaning in words]
    return "\n".join(lines) + "\n"


def directives() -> str:
    """The page of the directives that are read."""
    lines = [
        NOTE,
        "# Directives",
        "",
        (
            "What `surehop proxy` reads. A directive of nginx that is not here is refused by name,"
            " with its file and line, and so is one that nginx does not know. Words: how many may"
            " follow the name. Inherited: a block without it takes the nearest outer block's."
        ),
    ]
    for context, title in SECTIONS.items():
        rows = [row for row in DIRECTIVES if _section(row) is context and _works(row)]
        lines += ["", f"## In {title}", ""]
        lines += ["| directive | stands in | words | default | inherited |"]
        lines += ["| --- | --- | --- | --- | --- |", *map(_line, rows)]
    accepted = sorted(row.name for row in DIRECTIVES if not _works(row))
    lines += [
        "",
        "## Read and checked, without effect",
        "",
        ", ".join(f"`{name}`" for name in accepted) + ".",
    ]
    return "\n".join(lines) + "\n"


def _works(row: Directive) -> bool:
    return row.status is not Status.ACCEPTED


def _section(row: Directive) -> Context:
    for context in (Context.EVENTS, Context.UPSTREAM):
        if row.contexts == {context}:
            return context
    return Context.MAIN if row.contexts == {Context.MAIN} else Context.HTTP


def _line(row: Directive) -> str:
    name = f"`{row.name}`"
    if row.name.startswith("resilience"):
        page = row.name.removeprefix("resilience_")
        page = {"resilience": "README", "replay_keyed": "attribution"}.get(page, page)
        name = f"[{name}](resilience/{page}.md)"
    elif row.name == "surehop_status":
        name = f"[{name}](status.md)"
    places = ", ".join(f"`{c}`" for c in Context if c in row.contexts)
    default = _default(row)
    inherited = "yes" if row.inherit is Inherit.NEAREST and len(row.contexts) > 1 else ""
    if row.name.startswith("resilience"):
        inherited = "yes"
    return f"| {name} | {places} | {_words(row)} | {default} | {inherited} |"


def _words(row: Directive) -> str:
    low, high = row.arity
    block = " and a block" if row.block else ""
    if high > low:
        return (f"{low} or {high}" if high == low + 1 else f"{low} or more") + block
    return f"{low}{block}" if low or not block else "a block"


def _default(row: Directive) -> str:
    if row.name.startswith("resilience"):
        return "`on` (`surehop-nginx`: `off`)"
    if row.default is None or row.default == ():
        return ""
    return f"`{SHOWN[row.name](row.default) if row.name in SHOWN else row.default}`"


def _time(ms: int) -> str:
    for unit, length in (("h", 3_600_000), ("s", 1000)):
        if ms % length == 0 and ms:
            return f"{ms // length}{unit}"
    return f"{ms}ms" if ms else "0"


def _size(count: int) -> str:
    if count % MEGABYTE == 0:
        return f"{count // MEGABYTE}m"
    return f"{count // KILOBYTE}k" if count % KILOBYTE == 0 else str(count)


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _words_of(words: tuple[tuple[str, ...], ...]) -> str:
    return " ".join(words[0])


def _keepalive(size: KeepaliveSize) -> str:
    return f"{size.connections} local" if size.local else str(size.connections)


def _client_keepalive(timeout: KeepaliveTimeout) -> str:
    return _time(timeout.timeout_ms)


def _error_log(logs: tuple[ErrorLog, ...]) -> str:
    return f"{logs[0].path} {logs[0].level}"


def _access_log(logs: tuple[AccessLog, ...]) -> str:
    return f"{logs[0].path} {logs[0].format}"


def _both_keepalives(default: Any) -> str:
    is_time = isinstance(default, int)
    return _time(default) if is_time else _client_keepalive(default)


SHOWN: dict[str, Callable[[Any], str]] = {
    "daemon": _switch,
    **dict.fromkeys(
        (
            *("proxy_buffering", "merge_slashes", "recursive_error_pages", "rewrite_log"),
            *("absolute_redirect", "port_in_redirect", "server_name_in_redirect"),
            "uninitialized_variable_warn",
        ),
        _switch,
    ),
    "client_max_body_size": _size,
    "proxy_buffer_size": _size,
    **dict.fromkeys(("etag", "log_not_found"), _switch),
    "root": lambda root: root.path[0].text,
    "index": lambda lines: lines[0][0][0].text,
    "types": lambda tables: " ".join(f"{kind} {name};" for name, kind in tables[0]),
    "keepalive": _keepalive,
    "keepalive_timeout": _both_keepalives,
    "proxy_next_upstream": _words_of,
    "error_log": _error_log,
    "access_log": _access_log,
    **dict.fromkeys(
        (
            "keepalive_time",
            "client_header_timeout",
            "client_body_timeout",
            "send_timeout",
            "proxy_connect_timeout",
            "proxy_send_timeout",
            "proxy_read_timeout",
            "proxy_next_upstream_timeout",
        ),
        _time,
    ),
}


def nginx() -> str:
    """The page of all of nginx's directives, and what becomes of each."""
    lines = [
        NOTE,
        "# nginx's directives",
        "",
        (
            "Every directive of nginx 1.31, its modules and its commercial edition, and whether"
            " Surehop has it, has it in part, parses it without effect or refuses it by name:"
            " `surehop proxy -t` names what a file can't have, with file and line, and `-t -v` what"
            " has no effect. What each takes stands in [directives](directives.md)."
        ),
    ]
    for module, names in MODULES.items():
        fates = {name: _fate(name) for name in names.split()}
        lines += ["", f"## {module}", ""]
        refused = [name for name, (fate, _) in fates.items() if fate == "refuses"]
        if len(refused) == len(fates):
            lines += [f"Refuses: {_list(refused)}."]
            continue
        lines += ["| directive | Surehop | |", "| --- | --- | --- |"]
        lines += [f"| `{name}` | {fate} | {how} |" for name, (fate, how) in fates.items()]
        if module in NGINX_NOTES:
            lines += ["", NGINX_NOTES[module]]
    return "\n".join(lines) + "\n"


def _fate(name: str) -> tuple[str, str]:
    rows = TABLE.get(name, ())
    if name == "include":
        return "has", ""
    if not rows:
        return "refuses", ""
    found = PARTLY.get(name)
    if found:
        return "in part", found.missing
    accepted = all(row.status is Status.ACCEPTED for row in rows)
    return ("parses" if accepted else "has"), ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _page(text: str) -> Callable[[], str]:
    return lambda: text


PAGES: dict[str, Callable[[], str]] = {
    "vocabulary.md": vocabulary,
    "directives.md": directives,
    "nginx.md": nginx,
    **{f"findings/{name}": _page(text) for name, text in pages().items()},
}


def outdated(folder: Path) -> Iterator[str]:
    """Give the pages that are not what the tables say."""
    for name, page in PAGES.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != page():
            yield name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    old = list(outdated(options.out))
    for name in old:
        if options.check:
            print(f"{options.out / name} is out of date\nhint: make docs", file=sys.stderr)
        else:
            (options.out / name).parent.mkdir(exist_ok=True)
            (options.out / name).write_text(PAGES[name](), "utf-8")
            print(f"wrote {options.out / name}")
    return 1 if options.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
