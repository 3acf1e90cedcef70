"""Sends forms with files, and bodies that are made while they are sent."""

import io
import sys
from collections.abc import Iterator

import httpx

url = f"{sys.argv[1]}/form"
files = {"report": ("report.csv", io.BytesIO(b"a;b\n1;2\n"), "text/csv"), "raw": b"\x00\x01"}
print(httpx.post(url, data={"title": "one", "tags": ["a", "b"]}, files=files).json())
many = [("f", ("1.txt", b"first")), ("f", ("2.txt", b"second")), ("f", ("ä.bin", b"third"))]
print(httpx.post(url, files=many).json())
print(httpx.put(f"{sys.argv[1]}/echo", data={"a": "1 & 2", "b": ["x", "y"]}).json()["body"])


def lines() -> Iterator[bytes]:
    for number in range(3):
        yield f"line {number}\n".encode()


echo = httpx.post(f"{sys.argv[1]}/echo", content=lines()).json()
print(echo["body"].splitlines(), echo["headers"]["transfer-encoding"])
request = httpx.Request("POST", url, files={"f": b"x"})
print(request.headers["content-type"].partition(";")[0], "content-length" in request.headers)
