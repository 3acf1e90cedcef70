"""`server_tokens`: how much of the product is told."""

from collections.abc import Iterator

import pytest

from raw import exchanged, get
from surehop import __version__
from surehop.lab.subjects import Program, Subject

HTTP = """
    server_tokens off;
    server {
        listen 127.0.0.1:@PORT@;
        location /off/ { return 404; }
        location /moved/ { return 301 /; }
        location /on/ { server_tokens on; return 404; }
        location /build/ { server_tokens build; return 404; }
    }
"""


@pytest.fixture(scope="module")
def port(surehop: Program) -> Iterator[int]:
    with Subject(surehop, HTTP) as subject:
        yield subject.port


@pytest.mark.parametrize(
    ("target", "product"),
    [
        ("/off/", "surehop"),
        ("/moved/", "surehop"),
        ("/on/", f"surehop/{__version__}"),
        ("/build/", f"surehop/{__version__}"),
    ],
)
def test_the_product_in_heads_and_pages(port: int, target: str, product: str) -> None:
    answer = exchanged(port, get(target, close=True)).decode()
    assert f"\r\nServer: {product}\r\n" in answer
    assert f"<center>{product}</center>" in answer
