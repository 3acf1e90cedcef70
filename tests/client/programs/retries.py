"""Tries again by hand, as long as it makes sense."""

import sys
import time

import httpx

base = sys.argv[1]


def fetch(client: httpx.Client, url: str, tries: int = 4) -> httpx.Response | None:
    for count in range(tries):
        try:
            response = client.get(url)
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            print(count, type(error).__name__, error.response.status_code)
            if error.response.status_code < 500:
                return None
        except httpx.TimeoutException as error:
            print(count, type(error).__name__, error.request.url.path)
        except httpx.TransportError as error:
            print(count, type(error).__name__, isinstance(error, httpx.NetworkError))
        else:
            return response
        time.sleep(0.01 * 2**count)
    return None


with httpx.Client(timeout=httpx.Timeout(5.0, read=0.2)) as client:
    for url in (f"{base}/flaky", f"{base}/slow", "http://127.0.0.1:1/", f"{base}/api/v1/things"):
        response = fetch(client, url, 3)
        print(response.text if response else None)
for wrong in ("ftp://127.0.0.1/", "/no-host", "http://"):
    try:
        httpx.get(wrong)
    except httpx.UnsupportedProtocol as error:
        print(type(error).__name__)
try:
    httpx.get("http://127.0.0.1:x/")
except httpx.InvalidURL as error:
    print(type(error).__name__)
with httpx.Client(follow_redirects=True, max_redirects=3) as client:
    try:
        client.get(f"{base}/round")
    except httpx.TooManyRedirects as error:
        print(type(error).__name__, error.request.url.path)
