"""The Link header (RFC 8288), as far as people look at it."""

import re

_AROUND = " '\""


def links_of(header: str) -> dict[str | None, dict[str, str]]:
    """Links by their `rel`, or by their URL where they have none."""
    links: dict[str | None, dict[str, str]] = {}
    header = header.strip(_AROUND)
    for text in re.split(", *<", header) if header else ():
        url, _, parameters = text.partition(";")
        link = {"url": url.strip("<> '\"")}
        for parameter in parameters.split(";"):
            name, equals, value = parameter.partition("=")
            if not equals or "=" in value:
                break
            link[name.strip(_AROUND)] = value.strip(_AROUND)
        links[link.get("rel") or link.get("url")] = link
    return links
