"""Looks at every request and every response."""

import sys

import httpx


def note(request: httpx.Request) -> None:
    request.headers["X-Request-Id"] = "7"
    print(">", request.method, request.url.path, request.headers.get("x-request-id"))


def told(response: httpx.Response) -> None:
    print("<", response.status_code, response.request.url.path)


def check(response: httpx.Response) -> None:
    if response.is_error:
        response.read()
        print("body", response.text)
        response.raise_for_status()


hooks = {"request": [note], "response": [told, check]}
with httpx.Client(base_url=sys.argv[1], event_hooks=hooks, follow_redirects=True) as client:
    print(client.get("/echo").json()["headers"]["x-request-id"])
    print(client.get("/away").json()["target"])
    try:
        client.get("/api/v1/things")
    except httpx.HTTPStatusError as error:
        print(type(error).__name__, error.response.status_code)
    client.event_hooks = {"request": [], "response": []}
    print(client.get("/echo").json()["headers"].get("x-request-id"))
