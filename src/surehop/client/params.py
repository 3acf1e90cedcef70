"""The parameters of a query: an immutable mapping in which a name may have several values."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, NoReturn, TypeAlias, overload
from urllib.parse import parse_qs, urlencode

Primitive: TypeAlias = str | int | float | bool | None
QueryParamTypes: TypeAlias = """(
    QueryParams
    | Mapping[str, Primitive | Sequence[Primitive]]
    | Sequence[tuple[str, Primitive]]
    | str
    | bytes
)"""


def text_of(value: object) -> str:
    """How a plain value is written in a query or a form: `true`, `false`, nothing for None."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def _values(value: "QueryParamTypes | Mapping[str, Any] | None") -> dict[str, list[str]]:
    if value is None:
        return {}
    if isinstance(value, QueryParams):
        return {key: list(some) for key, some in value._values.items()}  # noqa: SLF001 (its own)
    if isinstance(value, bytes):
        value = value.decode("ascii")
    if isinstance(value, str):
        return parse_qs(value, keep_blank_values=True)
    gathered: dict[str, list[str]] = {}
    if isinstance(value, Mapping):
        for key, one in value.items():
            several = one if isinstance(one, (list, tuple)) else (one,)
            gathered[str(key)] = [text_of(item) for item in several]
        return gathered
    for key, item in value:
        gathered.setdefault(str(key), []).append(text_of(item))
    return gathered


class QueryParams(Mapping[str, str]):
    """`QueryParams("a=1&a=2")`, of a mapping, pairs or keywords; `str()` writes it as a query."""

    __slots__ = ("_values",)

    def __init__(self, *args: "QueryParamTypes | None", **kwargs: Any) -> None:
        if len(args) > 1 or (args and kwargs):
            raise TypeError("query parameters come from one value or from keywords, not from both")
        self._values = _values(args[0] if args else kwargs)

    def _with(self, values: dict[str, list[str]]) -> "QueryParams":
        params = QueryParams()
        params._values = values
        return params

    def keys(self) -> KeysView[str]:
        return self._values.keys()

    def values(self) -> ValuesView[str]:
        """The first value of each name."""
        return {key: values[0] for key, values in self._values.items()}.values()

    def items(self) -> ItemsView[str, str]:
        """Each name with its first value."""
        return {key: values[0] for key, values in self._values.items()}.items()

    def multi_items(self) -> list[tuple[str, str]]:
        """Every pair, those of one name next to each other."""
        return [(key, value) for key, values in self._values.items() for value in values]

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, default: Any = None) -> Any: ...
    def get(self, key: str, default: Any = None) -> Any:
        values = self._values.get(str(key))
        return values[0] if values else default

    def get_list(self, key: str) -> list[str]:
        return list(self._values.get(str(key), ()))

    def set(self, key: str, value: Any = None) -> "QueryParams":
        """A copy in which the name has this value alone."""
        return self._with({**self._values, str(key): [text_of(value)]})

    def add(self, key: str, value: Any = None) -> "QueryParams":
        """A copy in which the name has this value, too."""
        return self._with({**self._values, str(key): [*self.get_list(key), text_of(value)]})

    def remove(self, key: str) -> "QueryParams":
        """A copy without the name."""
        return self._with({name: some for name, some in self._values.items() if name != str(key)})

    def merge(self, params: "QueryParamTypes | None" = None) -> "QueryParams":
        """A copy in which the names of `params` have its values."""
        return self._with({**self._values, **_values(params)})

    def update(self, params: "QueryParamTypes | None" = None) -> NoReturn:  # noqa: ARG002 (refused)
        raise RuntimeError("query parameters can't be changed: `params = params.merge(…)` copies")

    def __setitem__(self, key: str, value: str) -> NoReturn:
        raise RuntimeError("query parameters can't be changed: `params = params.set(…)` copies")

    def __getitem__(self, key: str) -> str:
        return self._values[key][0]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.multi_items())))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QueryParams):
            return False
        return sorted(self.multi_items()) == sorted(other.multi_items())

    def __str__(self) -> str:
        return urlencode(self.multi_items())

    def __repr__(self) -> str:
        return f"QueryParams({str(self)!r})"
