"""Signs what it sends, and answers a challenge."""

import hashlib
import hmac
import sys
from collections.abc import Generator

import httpx


class Signature(httpx.Auth):
    requires_request_body = True

    def __init__(self, key: bytes) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        signed = b" ".join([request.method.encode(), request.url.raw_path, request.content])
        request.headers["X-Signature"] = hmac.digest(self._key, signed, hashlib.sha256).hex()
        response = yield request
        if response.status_code == 401:
            request.headers["X-Answer"] = response.headers["X-Challenge"][::-1]
            yield request


with httpx.Client(base_url=sys.argv[1], auth=Signature(b"key")) as client:
    told = client.post("/echo", params={"a": "b"}, json={"x": 1}).json()
    print(told["headers"]["x-signature"], told["body"].replace(" ", ""))
    response = client.get("/challenge")
    print(response.status_code, response.text, [one.status_code for one in response.history])
    print(client.get("/echo", auth=("a", "b")).json()["headers"]["authorization"])
    print("x-signature" in client.get("/echo", auth=None).json()["headers"])
print(httpx.get(f"{sys.argv[1]}/echo", auth=lambda r: r).json()["method"])
digest = httpx.DigestAuth("me", "word")
response = httpx.get(f"{sys.argv[1]}/digest", auth=digest)
print(response.status_code, len(response.history))
