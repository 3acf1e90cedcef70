"""A client of a JSON API that asks for a password."""

import sys
from typing import Any

import httpx


class Api:
    def __init__(self, base: str) -> None:
        self._client = httpx.Client(
            base_url=f"{base}/api/v1",
            auth=("me", "word"),
            headers={"Accept": "application/json"},
            timeout=httpx.Timeout(5.0, connect=2.0),
        )

    def call(self, method: str, path: str, **options: Any) -> Any:
        response = self._client.request(method, path, **options)
        response.raise_for_status()
        return response.json() if response.content else None

    def close(self) -> None:
        self._client.close()


api = Api(sys.argv[1])
print(api.call("POST", "/things", json={"name": "ä", "size": [1, 2.5, None]}))
print(api.call("GET", "things", params={"size": 2, "on": True, "off": None}))
print(api.call("DELETE", "/things/1"))
try:
    api.call("GET", "/missing")
except httpx.HTTPStatusError as error:
    print(error.response.status_code, error.response.json(), error.request.method)
    print(str(error).replace(sys.argv[1], "BASE").splitlines())
api.close()
try:
    api.call("GET", "/things")
except RuntimeError as error:
    print(type(error).__name__)
