"""Visits every page of a site once, and says what is broken."""

import re
import sys

import httpx

start = httpx.URL(sys.argv[1]).join("/site/0")
todo = [start]
seen = {start}
with httpx.Client(follow_redirects=True, timeout=5.0, headers={"User-Agent": "crawler"}) as client:
    while todo:
        url = todo.pop(0)
        try:
            response = client.get(url)
        except httpx.HTTPError as error:
            print("broken", url.path, type(error).__name__, error.request.url.host)
            continue
        hops = [hop.status_code for hop in response.history]
        print(url.path, response.status_code, hops, response.headers["content-type"])
        if response.is_success:
            for link in re.findall(r'href="([^"]+)"', response.text):
                found = response.url.join(link).copy_with(fragment=None)
                if found not in seen:
                    seen.add(found)
                    todo.append(found)
print(len(seen), "pages", sorted({url.scheme for url in seen}))
