import ipaddress
import socket
from typing import Any

import pytest

from surehop.errors import PlanError
from surehop.plan.resolving import SystemResolver, parse_overrides

V4, V6 = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")


def test_addresses_keep_their_order() -> None:
    assert parse_overrides(["a=127.0.0.1,::1", "B=[::1], 127.0.0.1 ,[::1]"]) == {
        "a": (V4, V6),
        "b": (V6, V4),
    }


@pytest.mark.parametrize(
    ("option", "message", "hint"),
    [
        ("a", "`--resolve a` has no `=`", "write `--resolve NAME="),
        ("=127.0.0.1", "`--resolve =127.0.0.1` names no host", "write `--resolve NAME="),
        ("a=", "`--resolve a=`: `` is no address", "write `--resolve NAME="),
        ("a=b", "`--resolve a=b`: `b` is no address", "write `--resolve NAME="),
        ("a=127.0.0.1:80", "`--resolve a=127.0.0.1:80`: `127.0.0.1:80` is no address", "write"),
        (
            "127.0.0.1=[::1]",
            "`--resolve 127.0.0.1=[::1]`: 127.0.0.1 is an address, not a name",
            "write",
        ),
    ],
)
def test_what_is_no_override(option: str, message: str, hint: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_overrides([option])

    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


def test_a_name_is_given_once() -> None:
    with pytest.raises(PlanError, match="`--resolve A=` is given twice"):
        parse_overrides(["a=127.0.0.1", "A=127.0.0.2"])


class TestSystem:
    def asked(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[tuple[Any, ...]]:
        calls: list[tuple[Any, ...]] = []

        def getaddrinfo(*args: Any, **options: Any) -> Any:
            calls.append((args, options))
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return calls

    def test_both_families_in_the_system_s_order_once_each(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind = socket.SOCK_STREAM
        answer = [
            (socket.AF_INET6, kind, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", 0)),
            (socket.AF_INET6, kind, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_UNIX, kind, 6, "", "/x"),
        ]
        calls = self.asked(monkeypatch, answer)

        assert SystemResolver()("both") == (V6, V4)
        assert calls == [(("both", None), {"type": kind})]

    def test_an_override_asks_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = self.asked(monkeypatch, [])

        assert SystemResolver({"App": [V4]})("aPP") == (V4,)
        assert calls == []

    @pytest.mark.parametrize(
        "error", [socket.gaierror(-2, "x"), UnicodeError("x"), ValueError("x")]
    )
    def test_not_found_is_no_address(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        self.asked(monkeypatch, error)

        assert SystemResolver()("x") == ()

    def test_a_name_that_can_be_none(self) -> None:
        assert SystemResolver()("a" * 300) == ()
        assert SystemResolver()("a\0b") == ()
