"""Addresses of a name, as the system's resolver gives them."""

import socket
from collections.abc import Iterable
from typing import Any, TypeAlias

Found: TypeAlias = Iterable[tuple[Any, Any, Any, Any, tuple[Any, ...]]]


def addresses_of(found: Found) -> list[str]:
    """`1.2.3.4:80` and `[::1]:80`, each once, in the resolver's order."""
    texts = []
    for family, _, _, _, place in found:
        if family == socket.AF_INET:
            texts.append(f"{place[0]}:{place[1]}")
        elif family == socket.AF_INET6:
            scope = f"%{place[3]}" if place[3] and "%" not in place[0] else ""
            texts.append(f"[{place[0]}{scope}]:{place[1]}")
    return list(dict.fromkeys(texts))


def code_of(error: Exception) -> str:
    """Node's word for what a resolver raised."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return "EAI_AGAIN"
    return "ENOTFOUND"


def resolve(host: str, port: int) -> tuple[list[str], str | None]:
    """Addresses, or none and a code. Blocks."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return [], code_of(error)
    return addresses_of(found), None
