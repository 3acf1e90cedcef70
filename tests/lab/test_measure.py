"""The measuring clients: what they count, and that they never send twice."""

from surehop.lab.measure import DIED, Answer, Client, Load, ask_steadily
from surehop.lab.origins import Fault, Origin


def test_each_request_has_its_answer(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", nth=3, times=1)])
    heard: list[Answer] = []
    answers = ask_steadily(origin.port, every=0.005, seconds=0.0249, told=heard.append)
    assert [answer.status for answer in answers] == [200, 200, DIED, 200, 200]
    assert heard == answers
    assert [answer.failed for answer in answers] == [False, False, True, False, False]
    # A busy machine may send late, never early.
    assert all(answer.at >= number * 0.005 - 1e-6 for number, answer in enumerate(answers))
    assert origin.stats().requests == 5


def test_statuses_that_fail(origin: Origin) -> None:
    with Client(origin.port) as client:
        statuses = [client.ask(path=f"/status/{status}") for status in (200, 404, 500, 502)]
    assert statuses == [200, 404, 500, 502]
    assert [Answer(0, 0, status).failed for status in statuses] == [False, False, True, True]


def test_methods_bodies_and_headers_are_sent(origin: Origin) -> None:
    with Client(origin.port) as client:
        assert client.ask("POST", "/x", b"abc", {"X-Request-Id": "1"}) == 200
    [delivery] = origin.stats().deliveries
    assert (delivery.method, delivery.path, delivery.id) == ("POST", "/x", "1")


def test_load_asks_until_the_block_ends(origin: Origin) -> None:
    with Load(origin.port, clients=3, every=0.001) as load:
        while len(load.answers) < 30:
            pass
    assert not load.failed
    assert origin.stats().requests == len(load.answers)
    assert origin.stats().connections == 3
