"""A report out of the JSON that it was saved as."""

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from surehop.lab.report.data import FORMAT, Report

_EXPECTED = "a report as `surehop lab run SCENARIO --json FILE` writes it"


class NoReportError(Exception):
    """The file is no report, or can't be read; the message says where."""


def read_report(path: Path) -> Report:
    """The report in a file. NoReportError where there is none."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NoReportError(f"can't read `{path}`: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise NoReportError(f"`{path}` is no JSON\nhint: {_EXPECTED} is wanted") from None
    if not isinstance(told, dict) or "scenario" not in told:
        raise NoReportError(f"`{path}` is no report\nhint: {_EXPECTED} is wanted")
    if told.pop("format", None) != FORMAT:
        raise NoReportError(
            f"`{path}` is of another version\nhint: run the scenario again, or read it with the "
            "Surehop that wrote it"
        )
    try:
        report: Report = _made(Report, told, "report")
    except ValueError as error:
        raise NoReportError(f"`{path}` is damaged: {error}") from None
    return report


def _made(kind: Any, value: Any, where: str) -> Any:
    """The value as this type; ValueError where it is none."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _object(kind, value, where)
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, where)
    if origin in (list, tuple, frozenset, Sequence):
        return _several(origin, inner, value, where)
    if origin in (dict, Mapping):
        _check(isinstance(value, dict), where)
        return {name: _made(inner[1], one, f"{where}.{name}") for name, one in value.items()}
    return _single(kind, value, where)


def _single(kind: Any, value: Any, where: str) -> Any:
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    _check(type(value) is kind, where)
    return value


def _object(kind: Any, value: Any, where: str) -> Any:
    _check(isinstance(value, dict), where)
    hints = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    for name in needed - set(value):
        raise ValueError(f"`{where}.{name}` is missing")
    for name in set(value) - set(hints):
        raise ValueError(f"`{where}.{name}` is unknown")
    return kind(**{name: _made(hints[name], one, f"{where}.{name}") for name, one in value.items()})


def _one_of(kinds: Sequence[Any], value: Any, where: str) -> Any:
    """Of dataclasses the one with these names."""
    if value is None and type(None) in kinds:
        return None
    names = set(value) if isinstance(value, dict) else None
    for kind in kinds:
        if kind is not type(None) and (
            not is_dataclass(kind) or set(get_type_hints(kind)) == names
        ):
            return _made(kind, value, where)
    raise ValueError(f"`{where}` is none of what is known here")


def _several(origin: Any, inner: Sequence[Any], value: Any, where: str) -> Any:
    _check(isinstance(value, list), where)
    each = [inner[0]] * len(value)
    if origin is tuple and inner[-1] is not Ellipsis:
        _check(len(inner) == len(value), where)
        each = list(inner)
    made = [
        _made(k, one, f"{where}[{n}]") for n, (k, one) in enumerate(zip(each, value, strict=True))
    ]
    return made if origin in (list, Sequence) else origin(made)


def _check(fits: bool, where: str) -> None:
    if not fits:
        raise ValueError(f"`{where}` is of another kind")
