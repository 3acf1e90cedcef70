"""What both type checkers refuse: each marked line, and no other."""

import httpx

import surehop
import surehop.httpx
import surehop.requests
from surehop import AsyncClient, Client, Limits, Proxy, Request, Response, Retry, Timeout, Upstream

URL = "http://127.0.0.1:1/"


def construction() -> None:
    Client(retry="often")  # wrong
    Client(timeout="soon")  # wrong
    Client(limits=10)  # wrong
    Client(http2=True)  # wrong
    Client(transport=httpx.HTTPTransport())  # wrong
    Client(upstreams={"api": "http://a:1"})  # wrong
    Client(verify=3)  # wrong
    Client("http://a")  # wrong
    Client(tracing="yes")  # wrong
    Timeout(5, reading=1)  # wrong
    Limits(10)  # wrong
    Proxy()  # wrong
    Upstream("http://a:1", weights="12")  # wrong
    Upstream()  # wrong


def verbs(client: Client, tasks: AsyncClient) -> None:
    client.get()  # wrong
    client.get(3)  # wrong
    client.get(URL, param={"a": "1"})  # wrong
    client.get(URL, headers=3)  # wrong
    client.post(URL, content={"a": 1.5})  # wrong
    client.get(URL, retry="never")  # wrong
    client.get(URL).status  # wrong
    tasks.get(URL).status_code  # wrong
    with tasks.stream("GET", URL):  # wrong
        pass


def when_it_is_no_bool(error: surehop.HTTPError) -> str:
    return str(error)


def takes_nothing() -> bool:
    return True


def gives_nothing(request: Request) -> None:
    request.headers["a"] = "b"


def of_a_response(response: Response) -> Response:
    return response


def retries() -> None:
    Retry(attempts="3")  # wrong
    Retry(when=when_it_is_no_bool)  # wrong
    Retry(when=takes_nothing)  # wrong
    Retry(delay=0.5)  # wrong
    Retry(times=3)  # wrong
    Retry(validate=takes_nothing)  # wrong


def interceptors(client: Client) -> None:
    client.interceptors.request.use(gives_nothing)  # wrong
    client.interceptors.request.use(of_a_response)  # wrong
    client.interceptors.request.eject("0")  # wrong


def errors(error: surehop.ConnectError) -> None:
    error.evidence.reused  # wrong
    error.reused  # wrong
    error.evidence = None
    error.attempts = ()  # wrong


def adapters() -> None:
    surehop.httpx.Transport(headers={})  # wrong
    surehop.requests.Adapter(verify=False)  # wrong
    httpx.AsyncClient(transport=surehop.httpx.Transport())  # wrong
