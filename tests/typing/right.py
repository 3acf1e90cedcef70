"""What users write; both type checkers accept it and agree on what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any, assert_type

import httpx
import requests
from opentelemetry.sdk.trace import TracerProvider

import surehop
import surehop.httpx
import surehop.requests
from surehop import AsyncClient, Client, Limits, Proxy, Request, Response, Retry, Timeout, Upstream
from surehop.events import Attempt, Evidence, Phase
from surehop.retry import exponential_delay, is_network_error, linear_delay, no_delay

URL = "http://127.0.0.1:1/"


def verbs() -> None:
    with Client(base_url=URL, headers={"X-A": "1"}, params={"q": 1}, auth=("me", "word")) as client:
        assert_type(client.get("/", params=[("a", "1"), ("a", "2")]), Response)
        assert_type(client.post("/", json={"a": [1, None]}, timeout=3), Response)
        assert_type(client.put("/", content=b"x", timeout=Timeout(5, connect=1)), Response)
        assert_type(client.patch("/", data={"a": ["1", "2"]}, timeout=None), Response)
        assert_type(client.post("/", files={"f": ("n.txt", b"x", "text/plain")}), Response)
        assert_type(client.delete("/", follow_redirects=True, auth=None), Response)
        assert_type(client.head("/", cookies={"a": "b"}), Response)
        assert_type(client.options("/", extensions={"sni_hostname": "a"}), Response)
        assert_type(client.request("BREW", surehop.URL("/")), Response)
        assert_type(client.send(client.build_request("GET", "/"), stream=True), Response)
        with client.stream("GET", "/") as response:
            for chunk in response.iter_bytes(1024):
                assert_type(chunk, bytes)
            for line in response.iter_lines():
                assert_type(line, str)
        client.headers["X-B"] = "2"
        client.timeout = 3
        assert_type(client.stats(), dict[str, Any])
    assert_type(surehop.get(URL, verify=False), Response)
    with surehop.stream("GET", URL) as response:
        assert_type(response.read(), bytes)


async def async_verbs() -> None:
    async with AsyncClient(retries=3) as client:
        assert_type(await client.get(URL), Response)
        assert_type(await client.post(URL, json=1, retry=None), Response)
        found = await asyncio.gather(*[client.get(URL) for _ in range(3)])
        assert_type(found, list[Response])
        async with client.stream("GET", URL) as response:
            async for chunk in response.aiter_bytes():
                assert_type(chunk, bytes)


def bodies() -> Iterator[bytes]:
    yield b"x"


async def async_bodies() -> AsyncIterator[bytes]:
    yield b"x"


async def upload(client: Client, tasks: AsyncClient, path: Path) -> None:
    client.post(URL, content=bodies())
    await tasks.post(URL, content=async_bodies())
    with path.open("rb") as file:
        client.post(URL, content=file)
        client.post(URL, files={"f": file}, data={"a": "1"})


def response(answer: Response) -> None:
    assert_type(answer.status_code, int)
    assert_type(answer.headers["a"], str)
    assert_type(answer.headers.get_list("a"), list[str])
    assert_type(answer.text, str)
    assert_type(answer.content, bytes)
    assert_type(answer.json(), Any)
    assert_type(answer.raise_for_status(), Response)
    assert_type(answer.elapsed.total_seconds(), float)
    assert_type(answer.history, list[Response])
    assert_type(answer.request, Request)
    assert_type(answer.url, surehop.URL)
    assert_type(answer.is_success, bool)
    assert_type(answer.next_request, Request | None)
    assert_type(answer.attempts, tuple[Attempt, ...])


def construction(path: Path, provider: TracerProvider) -> None:
    Client(
        timeout=Timeout(connect=1, read=2, write=3, pool=4, total=5),
        limits=Limits(max_connections=10, keepalive_expiry=4.5),
        proxy=Proxy("http://127.0.0.1:1", auth=("me", "word")),
        verify=path,
        cert=("a.pem", "b.pem"),
        uds=path,
        local_address="127.0.0.1",
        event_hooks={"request": [print], "response": [print]},
        follow_redirects=True,
        trust_env=False,
        resilience={"replay_keyed": False},
        tracing=provider,
    ).close()
    Client(
        upstreams={
            "api": Upstream(["http://a:1", "http://b:2"], balance="least_conn", weights=[1, 2]),
            "other": ["http://c:3"],
        }
    ).close()


def condition(error: surehop.HTTPError) -> bool:
    return is_network_error(error) and error.request.method == "GET"


async def async_condition(error: surehop.HTTPError) -> bool:
    return error.response is not None and error.response.status_code == 503


def told(count: int, error: surehop.HTTPError, request: Request) -> None:
    print(count, error.code, request.url)


def exhausted(error: surehop.HTTPError, count: int) -> None:
    print(count, error)


def valid(answer: Response) -> bool:
    return answer.is_success


def retries() -> None:
    Retry()
    Retry(5, when=condition, delay=linear_delay(0.2), total=10, per_try=2.5)
    Retry(when=async_condition, delay=exponential_delay, on_retry=told, on_exhausted=exhausted)
    Retry(delay=no_delay, idempotency_key=True, max_retry_after=None, validate=valid)
    Retry(delay=lambda count, _error: count * 0.5)
    Retry(delay=surehop.retry.full_jitter)
    Client(retry=Retry(non_idempotent=True)).get(URL, retry=2)


def sign(request: Request) -> Request:
    request.headers["X-Signed"] = "yes"
    return request


async def note(answer: Response) -> Response:
    return answer


def recover(error: Exception) -> Response:
    if isinstance(error, surehop.ConnectError):
        return Response(503, text="later")
    raise error


def interceptors(client: Client, tasks: AsyncClient) -> None:
    number = client.interceptors.request.use(sign, run_when=lambda request: request.url.host == "a")
    assert_type(number, int)
    client.interceptors.request.eject(number)
    client.interceptors.response.use(rejected=recover)
    tasks.interceptors.response.use(note, recover)
    tasks.interceptors.response.clear()


def errors(client: Client) -> None:
    try:
        client.get(URL).raise_for_status()
    except surehop.HTTPStatusError as error:
        assert_type(error.response.status_code, int)
    except surehop.TimeoutException as error:
        assert_type(error.code, str | None)
    except surehop.ConnectionClosed as error:
        assert_type(error.evidence, Evidence | None)
        assert_type(error.attempts, tuple[Attempt, ...])
        assert_type(error.phase, Phase | None)
        if error.evidence is not None:
            assert_type(error.evidence.reused, bool)
            assert_type(error.evidence.idle, float)
    except surehop.HTTPError as error:
        assert_type(error.request, Request)


class Token(surehop.Auth):
    requires_response_body = True

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = "Bearer a"
        yield request


def adapters() -> None:
    with httpx.Client(transport=surehop.httpx.Transport(retries=3)) as client:
        assert_type(client.get(URL), httpx.Response)
    httpx.AsyncClient(transport=surehop.httpx.AsyncTransport(limits=Limits()), timeout=3)
    session = requests.Session()
    session.mount("http://", surehop.requests.Adapter(retries=3, upstreams={"a": ["http://b"]}))
    assert_type(session.get(URL), requests.Response)
