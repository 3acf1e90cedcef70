"""How each kind of server words that it takes no request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What follows the status line.

    head: with the empty line; None: as any other answer has it, with `kind`. In head and body
    `{status}`, `{phrase}`, `{why}`, `{length}` (of the body) and `{date}` stand for what they say.
    lingers: what the client still sends is read, so that no reset overtakes the answer.
    """

    head: str | None = None
    body: str = "{why}\n"
    kind: str = "text/plain"
    lingers: bool = False


NODE = Refusal("Connection: close\r\n\r\n", "")
# By the server, not by its parser.
NODE_HOSTLESS = Refusal(
    "Connection: close\r\nDate: {date}\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n"
)
UVICORN = Refusal(
    "content-type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n",
    "Invalid HTTP request received.",
)
GUNICORN = Refusal(
    "Connection: close\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n",
    "<html>\n  <head>\n    <title>{phrase}</title>\n  </head>\n  <body>\n"
    "    <h1><p>{phrase}</p></h1>\n    {why}\n  </body>\n</html>\n",
    lingers=True,
)
UNICORN = Refusal("\r\n", "")
NGINX = Refusal(
    None,
    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n"
    "<center><h1>{status} {phrase}</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n",
    "text/html",
    lingers=True,
)
