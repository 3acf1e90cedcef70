"""`queue` of an upstream, which nginx's commercial edition has."""

import pytest
from broken_files import whole
from test_broken import first_error

from surehop.conf.loading import loads
from surehop.conf.model import Queue


@pytest.mark.parametrize(
    ("words", "queue"), [("5", Queue(5, 60_000)), ("70 timeout=1m30s", Queue(70, 90_000))]
)
def test_its_words(words: str, queue: Queue) -> None:
    text = whole("upstream", f"server 127.0.0.1; queue {words};")

    model = loads(text.encode(), file="/n.conf", prefix="/srv", privileged=True)

    assert model.upstreams[0].queue == queue


@pytest.mark.parametrize(
    ("snippet", "message"),
    [
        ("queue 0;", 'invalid value "0"'),
        ("queue x;", 'invalid value "x"'),
        ("queue 5 timeout=0;", 'invalid parameter "timeout=0"'),
        ("queue 5 wait=1s;", 'invalid parameter "wait=1s"'),
        ("queue 5; queue 6;", '"queue" directive is duplicate'),
        ("queue 5; least_conn;", '"least_conn" must stand before "queue"'),
    ],
)
def test_what_it_refuses(snippet: str, message: str) -> None:
    error = first_error(whole("upstream", f"server 127.0.0.1; {snippet}"))

    assert error is not None
    assert error.message == message
