"""The command line as nginx reads it: letters may stand together, values may stick to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from surehop.errors import OptionError
from surehop.proxy import SIGNALS

_NEEDS = {
    "p": "directory name",
    "e": "file name",
    "c": "file name",
    "g": "parameter",
    "s": "parameter",
}
_RESOLVE = "--resolve"


@dataclass(slots=True)
class Arguments:
    """`signal` is the word of `-s`; `resolve` is Surehop's own."""

    help: bool = False
    version: bool = False
    built_with: bool = False
    test: bool = False
    dump: bool = False
    quiet: bool = False
    prefix: str | None = None
    error_log: str | None = None
    configuration: str | None = None
    directives: str = ""
    signal: str | None = None
    resolve: list[str] = field(default_factory=list)


def read_arguments(words: Sequence[str]) -> Arguments:
    """Raises OptionError, whose text is nginx's."""
    found = Arguments()
    rest = iter(words)
    for word in rest:
        if word == "--help":
            found.help = found.version = True
        elif word.startswith("--"):
            _ours(found, word, rest)
        elif not word.startswith("-"):
            raise OptionError(f'invalid option: "{word}"')
        else:
            _letters(found, word[1:], rest)
    return found


def _ours(found: Arguments, word: str, rest: Iterator[str]) -> None:
    name, stuck, value = word.partition("=")
    if name != _RESOLVE:
        raise OptionError(
            f'invalid option: "{word}"', hint=f"`{_RESOLVE} NAME=ADDR` is the only one"
        )
    given = value if stuck else next(rest, None)
    if given is None:
        raise OptionError(f'option "{_RESOLVE}" requires NAME=ADDR[,ADDR…]')
    found.resolve.append(given)


def _letters(found: Arguments, letters: str, rest: Iterator[str]) -> None:
    for at, letter in enumerate(letters):
        if letter in _NEEDS:
            value = letters[at + 1 :] or next(rest, "")
            if not value:
                raise OptionError(f'option "-{letter}" requires {_NEEDS[letter]}')
            _value(found, letter, value)
            return
        _flag(found, letter)


def _flag(found: Arguments, letter: str) -> None:
    match letter:
        case "?" | "h":
            found.help = found.version = True
        case "v":
            found.version = True
        case "V":
            found.version = found.built_with = True
        case "t":
            found.test = True
        case "T":
            found.test = found.dump = True
        case "q":
            found.quiet = True
        case _:
            raise OptionError(f'invalid option: "{letter}"')


def _value(found: Arguments, letter: str, value: str) -> None:
    match letter:
        case "p":
            found.prefix = value
        case "e":
            found.error_log = value
        case "c":
            found.configuration = value
        case "g":
            found.directives = value
        case _:
            if value not in SIGNALS:
                raise OptionError(f'invalid option: "-s {value}"')
            found.signal = value
