"""Logs in, stays so, and leaves."""

import sys

import httpx

with httpx.Client(base_url=sys.argv[1], cookies={"lang": "en"}) as client:
    print(client.get("/private").status_code)
    response = client.post("/login", data={"user": "me", "password": "word"})
    print(response.status_code, response.has_redirect_location, response.headers["location"])
    print(sorted(response.cookies.items()), response.next_request.url.path)
    response = client.send(response.next_request)
    print(response.status_code, response.text)
    print(sorted(client.cookies.items()), client.cookies["session"])
    client.get("/logout", follow_redirects=True)
    print(sorted(client.cookies.items()))
    print(client.get("/private").status_code)
jar = httpx.Cookies()
jar.set("a", "1", domain="a.example")
jar.set("a", "2", domain="b.example")
try:
    print(jar["a"])
except httpx.CookieConflict as error:
    print(type(error).__name__, jar.get("a", domain="b.example"), len(jar))
