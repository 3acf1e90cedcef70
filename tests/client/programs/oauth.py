"""Gets a token, and another one when that is over."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator

import httpx


class OAuth(httpx.Auth):
    requires_response_body = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._token = "none"
        self.refreshed = 0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401:
            refreshed = yield httpx.Request("POST", self._url, data={"grant_type": "refresh_token"})
            refreshed.raise_for_status()
            self._token = refreshed.json()["access_token"]
            self.refreshed += 1
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


class Locked(OAuth):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._lock = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        flow = self.auth_flow(request)
        async with self._lock:
            try:
                sent = next(flow)
                while True:
                    response = yield sent
                    await response.aread()
                    sent = flow.send(response)
            except StopIteration:
                pass


async def main() -> None:
    locked = Locked(f"{sys.argv[1]}/token")
    async with httpx.AsyncClient(auth=locked, base_url=sys.argv[1]) as client:
        answers = await asyncio.gather(*[client.get("/guarded") for _ in range(3)])
        print([answer.status_code for answer in answers], locked.refreshed)


auth = OAuth(f"{sys.argv[1]}/token")
with httpx.Client(auth=auth, base_url=sys.argv[1]) as client:
    for _ in range(4):
        response = client.get("/guarded")
        print(response.status_code, response.text, [one.status_code for one in response.history])
    print(auth.refreshed)
asyncio.run(main())
