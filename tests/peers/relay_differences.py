"""Where Surehop differs from nginx on purpose, or where nginx differs from what it means to do.

Everything else that is seen of an exchange is the same: this is the whole list.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines that are left out of the comparison of these cases, on both sides, and why."""

    cases: str
    lines: str
    why: str

    def concerns(self, case: str) -> bool:
        return any(fnmatch(case, pattern) for pattern in self.cases.split())

    def leaves(self, lines: list[str]) -> list[str]:
        """The lines that are compared all the same."""
        return [line for line in lines if not re.search(self.lines, line)]


DIFFERENCES = (
    Difference(
        "request-hop-by-hop",
        r"^upstream 0: Trailer: |upstream_bytes_sent=",
        "what belongs to one hop stays there; nginx passes Trailer on",
    ),
    Difference(
        "answer-hop-by-hop",
        r"^answer 0: (X-Named|Trailer|Upgrade|Proxy-Connection|TE): | bytes_sent=",
        "the same on the way back; nginx strips Connection and Keep-Alive alone",
    ),
    Difference(
        "answer-read-timeout-body",
        r"answer 0: ''|answer 0: '12'|body_bytes_sent=",
        "answers are streamed: nginx still holds back what it drops when the upstream times out",
    ),
    Difference(
        "answer-chunks-cut-off answer-cut-off* answer-read-timeout-body",
        r"request_completion=",
        "`OK` means that the whole answer was sent; nginx says it of answers that were cut off",
    ),
    Difference(
        "body-expect body-expect-with-body body-expect-return request-hop-by-hop",
        r" (body_)?bytes_sent=",
        "`100 Continue` is no body; nginx counts its 25 bytes as such",
    ),
    Difference(
        "answer-103",
        r"upstream_status=",
        "the status is the answer's; nginx logs the interim one's",
    ),
    Difference(
        "answer-too-big-head",
        r"upstream_bytes_received=",
        "more than `proxy_buffer_size` may be received before it is seen to be too much",
    ),
    Difference(
        "request-no-request",
        r"^error: .* client sent invalid method",
        "what a client sends can't put control characters into the error log",
    ),
    Difference(
        "request-http3 request-connect body-line-cut-off body-line-timeout",
        r"access 0: (request_uri|uri|document_uri|server_protocol)=",
        "of a request that is refused, what is not known is `-`; nginx says `` or `/`",
    ),
    Difference(
        "request-two-hosts",
        r"access 0: http_host=",
        "a header that is refused for being there twice is logged twice",
    ),
    Difference(
        "route-no-location-head route-page-head",
        r"(?i)content.length",
        "the page names the product, so its length differs",
    ),
)
