"""Reads all pages of a list, by links and by parameters."""

import sys

import httpx

with httpx.Client(base_url=sys.argv[1]) as client:
    url: str | None = "/list?per_page=2"
    while url:
        response = client.get(url)
        print(response.json(), dict(response.url.params))
        url = response.links.get("next", {}).get("url")
    for page in range(1, 4):
        response = client.get("/list", params={"page": page, "sort": ["name", "-age"]})
        print(response.json(), response.url.query.decode())
    print(client.get("/echo?a=1", params={"b": "2"}).json()["target"])
    client.params = {"c": "3"}
    print(client.get("/echo", params={"b": "2"}).json()["target"])
query = httpx.QueryParams("a=1&b=2&a=3")
print(query.get_list("a"), str(query.set("c", "ä ö")), str(query.remove("a")), query["a"])
url = httpx.URL("https://me:word@EXAMPLE.com:443/a/../b%20c?x=1#end")
print(url.host, url.port, url.path, url.raw_path, url.username, url.fragment, repr(url))
