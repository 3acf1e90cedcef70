"""Headers: a mapping over names in any case, of which one may stand several times."""

import re
from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from functools import lru_cache
from typing import Any, Final, TypeAlias

from surehop.errors import LocalProtocolError

Pairs: TypeAlias = list[tuple[bytes, bytes]]
HeaderTypes: TypeAlias = """(
    Headers
    | Mapping[str, str]
    | Mapping[bytes, bytes]
    | Iterable[tuple[str, str]]
    | Iterable[tuple[bytes, bytes]]
)"""

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BREAKS: Final = re.compile(rb"[\r\n\x00]")
_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


@lru_cache(maxsize=1024)
def _name(key: str | bytes, encoding: str) -> tuple[bytes, bytes]:
    """A name as it is sent, and in lower case."""
    try:
        name = key if isinstance(key, bytes) else key.encode(encoding)
    except UnicodeEncodeError:
        raise LocalProtocolError(f"header name {key!r} is not {encoding}") from None
    if not _TOKEN.fullmatch(name):
        raise LocalProtocolError(f"header name {key!r} holds what no name may hold")
    return name, name.lower()


def _value(key: str | bytes, value: object, encoding: str) -> bytes:
    if isinstance(value, str):
        try:
            value = value.encode(encoding)
        except UnicodeEncodeError:
            raise LocalProtocolError(
                f"the value of header {key!r} is not {encoding}",
                hint="say `Headers(…, encoding='utf-8')`, or give bytes",
            ) from None
    elif not isinstance(value, bytes):
        seen = type(value).__name__
        raise TypeError(f"the value of header {key!r} must be str or bytes, not `{seen}`")
    if _BREAKS.search(value) is not None:
        raise LocalProtocolError(f"the value of header {key!r} holds a line break or a NUL")
    return value


def _pairs(headers: HeaderTypes, encoding: str) -> Pairs:
    if isinstance(headers, Headers):
        return list(headers._pairs)  # noqa: SLF001 (its own)
    items: Iterable[tuple[Any, Any]]
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(_name(key, encoding)[0], _value(key, value, encoding)) for key, value in items]


class Headers(MutableMapping[str, str]):
    """Names compare without case; `raw` has the pairs as they are sent, in order.

    What comes from people is checked: LocalProtocolError for a name that is none, for a line break
    or NUL in a value, for what `encoding` (ASCII, unless said) can't write.
    """

    __slots__ = ("_encoding", "_index", "_pairs", "_seen")

    def __init__(self, headers: "HeaderTypes | None" = None, encoding: str | None = None) -> None:
        self._encoding = encoding
        self._pairs: Pairs = [] if headers is None else _pairs(headers, encoding or "ascii")
        # Values by name in lower case: made when first asked for, dropped by every change.
        self._index: dict[bytes, list[bytes]] | None = None
        self._seen: str | None = None  # the encoding, where nobody said it; as short-lived

    @classmethod
    def of_wire(cls, pairs: Pairs) -> "Headers":
        """Of pairs that the parser has let through: taken as they are, unchecked, uncopied."""
        self = cls.__new__(cls)
        self._encoding = self._index = self._seen = None
        self._pairs = pairs
        return self

    def _found(self) -> dict[bytes, list[bytes]]:
        index = self._index
        if index is None:
            index = self._index = {}
            for name, value in self._pairs:
                lower = name.lower()
                if lower in index:
                    index[lower].append(value)
                else:
                    index[lower] = [value]
        return index

    @staticmethod
    def _key(key: str) -> bytes:
        return key.lower().encode("ascii", "replace")  # no name has a `?`

    @property
    def encoding(self) -> str:
        """The first of ascii, utf-8 and iso-8859-1 that reads all of them, unless it is set."""
        if self._encoding is not None:
            return self._encoding
        if self._seen is None:
            # One look at all bytes: a value alone decodes as it does among others.
            text = b"\n".join([part for pair in self._pairs for part in pair])
            try:
                text.decode("utf-8")
                self._seen = "ascii" if text.isascii() else "utf-8"
            except UnicodeDecodeError:
                self._seen = "iso-8859-1"
        return self._seen

    @encoding.setter
    def encoding(self, value: str) -> None:
        self._encoding = value

    @property
    def raw(self) -> Pairs:
        """The pairs as bytes, the names as they were given."""
        return list(self._pairs)

    def wire(self, *, leave_out: frozenset[bytes] = frozenset()) -> bytes:
        """The lines as they are sent; without those of `leave_out`, names in lower case."""
        return b"".join(
            b"%b: %b\r\n" % pair for pair in self._pairs if pair[0].lower() not in leave_out
        )

    def _joined(self) -> dict[str, str]:
        encoding = self.encoding
        return {
            name.decode(encoding): ", ".join([value.decode(encoding) for value in values])
            for name, values in self._found().items()
        }

    def keys(self) -> KeysView[str]:
        """The names, in lower case, each once."""
        return self._joined().keys()

    def values(self) -> ValuesView[str]:
        return self._joined().values()

    def items(self) -> ItemsView[str, str]:
        """Each name once, its values joined by commas."""
        return self._joined().items()

    def multi_items(self) -> list[tuple[str, str]]:
        """Every pair, the names in lower case."""
        encoding = self.encoding
        return [(name.lower().decode(encoding), v.decode(encoding)) for name, v in self._pairs]

    def _text(self, value: bytes) -> str:
        # ASCII reads alike in all that `encoding` finds: no need to find it.
        plain = self._encoding is None and value.isascii()
        return value.decode("ascii" if plain else self.encoding)

    def _one(self, key: str) -> str | None:
        values = self._found().get(self._key(key))
        if values is None:
            return None
        if len(values) == 1:
            return self._text(values[0])
        return ", ".join([self._text(value) for value in values])

    def get(self, key: str, default: Any = None) -> Any:
        """The values of a name, joined by commas."""
        value = self._one(key)
        return default if value is None else value

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        """The values of a name, one by one; also cut at their commas, if asked."""
        values = [self._text(value) for value in self._found().get(self._key(key), ())]
        if not split_commas:
            return values
        return [part.strip() for value in values for part in value.split(",")]

    def update(self, headers: "HeaderTypes | None" = None) -> None:  # type: ignore[override]
        """Puts these in the place of those of the same names."""
        new = Headers(headers)
        replaced = new._found()
        self._pairs = [pair for pair in self._pairs if pair[0].lower() not in replaced]
        self._pairs += new._pairs
        self._changed()

    def copy(self) -> "Headers":
        return Headers(self, encoding=self._encoding)

    def _changed(self) -> None:
        self._index = self._seen = None

    def __getitem__(self, key: str) -> str:
        value = self._one(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: str) -> None:
        encoding = self._encoding or "utf-8"
        name, lower = _name(key, encoding)
        pair = (name, _value(key, value, encoding))
        if lower in self._found():
            kept: Pairs = []
            put = False
            for old in self._pairs:
                if old[0].lower() != lower:
                    kept.append(old)
                elif not put:
                    kept.append(pair)
                    put = True
            self._pairs = kept
        else:
            self._pairs = [*self._pairs, pair]
        self._changed()

    def __delitem__(self, key: str) -> None:
        lower = self._key(key)
        kept = [pair for pair in self._pairs if pair[0].lower() != lower]
        if len(kept) == len(self._pairs):
            raise KeyError(key)
        self._pairs = kept
        self._changed()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._key(key) in self._found()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._pairs)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        try:
            pairs = Headers(other)._pairs  # type: ignore[arg-type]
        except (ValueError, TypeError, LocalProtocolError):
            return False
        mine = sorted((name.lower(), value) for name, value in self._pairs)
        return mine == sorted((name.lower(), value) for name, value in pairs)

    def __repr__(self) -> str:
        shown = [(k, "[secure]" if k in _SECRET else v) for k, v in self.multi_items()]
        encoding = "" if self.encoding == "ascii" else f", encoding={self.encoding!r}"
        once = dict(shown)
        return f"Headers({once if len(once) == len(shown) else shown!r}{encoding})"
