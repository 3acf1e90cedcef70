import asyncio
from typing import Any

import pytest

from surehop.client.exchange import run as drive
from surehop.client.interceptors import Interceptors, run
from surehop.client.request import Request

REQUEST = Request("GET", "http://a/")


def along(rows: Interceptors, begun: Any = REQUEST) -> Any:
    chosen = drive(rows.request.chosen(False, REQUEST))
    return drive(run(False, chosen, Request, begun))


def noting(seen: list[str], name: str) -> Any:
    def fulfilled(request: Request) -> Request:
        seen.append(name)
        return request

    return fulfilled


def test_requests_run_last_added_first_and_responses_first_added_first() -> None:
    rows = Interceptors()
    seen: list[str] = []
    for name in "abc":
        rows.request.use(noting(seen, name))
        rows.response.use(noting(seen, name.upper()))

    along(rows)
    drive(run(False, drive(rows.response.chosen(False, REQUEST)), Request, REQUEST))

    assert seen == ["c", "b", "a", "A", "B", "C"]


def test_eject_and_clear() -> None:
    rows = Interceptors()
    seen: list[str] = []
    first = rows.request.use(noting(seen, "first"))
    rows.request.use(noting(seen, "second"))
    rows.request.eject(first)
    rows.request.eject(99)

    along(rows)
    assert seen == ["second"]
    rows.request.clear()
    assert not rows


def test_run_when_leaves_out() -> None:
    rows = Interceptors()
    seen: list[str] = []
    rows.request.use(noting(seen, "get"), run_when=lambda request: request.method == "GET")
    rows.request.use(noting(seen, "post"), run_when=lambda request: request.method == "POST")

    along(rows)
    assert seen == ["get"]


def test_an_error_goes_to_the_next_that_takes_one() -> None:
    rows = Interceptors()
    seen: list[str] = []

    def breaks(_: Request) -> Request:
        raise ValueError("broken")

    def mends(error: Exception) -> Request:
        seen.append(str(error))
        return REQUEST

    rows.request.use(noting(seen, "after"))  # runs last
    rows.request.use(None, mends)
    rows.request.use(noting(seen, "skipped"))
    rows.request.use(breaks, lambda _: REQUEST)  # its own error is not its own to mend

    assert along(rows) == (REQUEST, None)
    assert seen == ["broken", "after"]


def test_an_error_nobody_takes_comes_out() -> None:
    rows = Interceptors()
    error = ValueError("x")

    assert along(rows, error) == (None, error)


def test_one_raised_anew_remembers_the_first() -> None:
    rows = Interceptors()

    def worse(_: Exception) -> Request:
        raise KeyError("worse")

    rows.request.use(None, worse)
    first = ValueError("first")
    _, error = along(rows, first)

    assert isinstance(error, KeyError)
    assert error.__context__ is first


def test_another_kind_of_return_is_named() -> None:
    rows = Interceptors()

    def forgets(_: Request) -> Request:
        return None  # type: ignore[return-value]

    rows.request.use(forgets)
    _, error = along(rows)

    assert isinstance(error, TypeError)
    assert "forgets` returned `None`, but a `Request` is needed" in str(error)


async def slowly(request: Request) -> Request:
    await asyncio.sleep(0)
    return request


def test_async_ones_are_for_the_async_client() -> None:
    rows = Interceptors()
    rows.request.use(slowly)

    async def go() -> Any:
        return await run(True, await rows.request.chosen(True, REQUEST), Request, REQUEST)

    assert asyncio.run(go()) == (REQUEST, None)
    _, error = along(rows)
    assert "`slowly` is async, but the client is not" in str(error)


@pytest.mark.parametrize("name", ["fulfilled", "rejected", "run_when"])
def test_what_can_not_be_called_is_refused(name: str) -> None:
    named: dict[str, Any] = {name: 3}
    with pytest.raises(TypeError, match=f"`{name}` of an interceptor"):
        Interceptors().request.use(**named)
