"""Downloads a file piece by piece, and says how far it is."""

import hashlib
import sys
import tempfile

import httpx

with tempfile.TemporaryFile() as file, httpx.stream("GET", f"{sys.argv[1]}/large") as response:
    total = int(response.headers["Content-Length"])
    print(response.status_code, response.is_closed, response.num_bytes_downloaded, total)
    told = 0
    for chunk in response.iter_bytes(chunk_size=10_000):
        file.write(chunk)
        percent = response.num_bytes_downloaded * 100 // total
        told = max(told, percent)
    print(f"{told} %", file.tell(), response.is_stream_consumed)
    file.seek(0)
    print(hashlib.sha256(file.read()).hexdigest())
with httpx.stream("GET", f"{sys.argv[1]}/packed") as response:
    for line in response.iter_lines():
        print(line)
with httpx.stream("GET", f"{sys.argv[1]}/large") as response:
    try:
        print(response.text)
    except httpx.ResponseNotRead as error:
        print(type(error).__name__)
print(response.is_closed)
