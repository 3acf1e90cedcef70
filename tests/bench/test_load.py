from __future__ import annotations

import pytest
from bench.proxy import load

WRK = """\
Running 4s test @ http://127.0.0.1:40000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.05ms  310.11us   9.91ms   92.44%
    Req/Sec    61.05k     2.64k   65.08k    80.00%
  Latency Distribution
     50%  990.00us
     75%    1.10ms
     90%    1.30ms
     99%    2.50ms
  243000 requests in 4.00s, 47.51MB read
Requests/sec:  60750.00
Transfer/sec:     11.88MB
"""

STRACE = """\
strace: Process 7 detached
syscall               calls
---------------- ----------
writev                 2000
recvfrom               2010
accept4                   1
epoll_wait               30
---------------- ----------
total                  4041
"""


def test_wrk_gives_requests_seconds_and_microseconds() -> None:
    assert load.parse_wrk(WRK) == load.Load(requests=243000, elapsed=4.0, p50=990.0, p99=2500.0)


def test_wrk_pads_seconds_with_a_blank() -> None:
    slow = WRK.replace("2.50ms", "1.26s ")
    assert slow != WRK
    assert load.parse_wrk(slow).p99 == 1.26e6


@pytest.mark.parametrize(
    "trouble",
    [
        "  Non-2xx or 3xx responses: 5",
        "  Socket errors: connect 0, read 3, write 0, timeout 0",
    ],
)
def test_a_run_with_failed_requests_is_no_result(trouble: str) -> None:
    with pytest.raises(load.LoadError, match=r"requests in"):
        load.parse_wrk(WRK + trouble)


def test_a_run_without_requests_is_no_result() -> None:
    with pytest.raises(load.LoadError):
        load.parse_wrk(WRK.replace("243000 requests", "0 requests"))
    with pytest.raises(load.LoadError, match="unable to connect"):
        load.parse_wrk("unable to connect to 127.0.0.1:40000 Connection refused\n")


def test_strace_is_divided_by_requests_commonest_first_without_the_total_and_the_rare() -> None:
    calls = load.parse_strace(STRACE, requests=1000)
    assert list(calls.items()) == [("recvfrom", 2.01), ("writev", 2.0), ("epoll_wait", 0.03)]
