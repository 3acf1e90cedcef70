import httpx
import pytest
from httpx._utils import URLPattern, get_environment_proxies

from surehop.client.environment import Pattern, Proxies, read_proxies
from surehop.client.options import Proxy
from surehop.client.url import URL

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"HTTP_PROXY": "http://p:1"},
        {"http_proxy": "p:1", "HTTPS_PROXY": "http://q:2"},
        {"ALL_PROXY": "http://p:1", "NO_PROXY": "localhost,a.com, .b.com,10.0.0.1,::1,10.0.0.0/8"},
        {"ALL_PROXY": "http://p:1", "NO_PROXY": "https://a.com:444"},
        {"ALL_PROXY": "http://p:1", "NO_PROXY": "a.com,*"},
    ],
    ids=str,
)
def test_it_is_read_as_httpx_reads_it(
    told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    found = {key: None if one is None else str(one.url) for key, one in read_proxies().items()}

    assert found == get_environment_proxies()


@pytest.mark.parametrize(
    "pattern",
    [
        "all://",
        "http://",
        "https://",
        "all://a.com",
        "all://*.a.com",
        "all://*a.com",
        "http://a.com:81",
        "all://*",
        "all://[::1]",
    ],
)
@pytest.mark.parametrize(
    "url",
    ["http://a.com/", "https://x.a.com/", "http://xa.com/", "http://a.com:81/", "http://[::1]/"],
)
def test_patterns_match_as_httpx_has_them(pattern: str, url: str) -> None:
    assert Pattern(pattern).matches(URL(url)) is URLPattern(pattern).matches(httpx.URL(url))


def test_the_closest_pattern_decides() -> None:
    near, far = Proxy("http://near"), Proxy("http://far")
    proxies = Proxies({"all://": far, "https://": near, "all://a.com": None, "http://a.com:1": far})

    found = [
        proxies.find(URL(url))
        for url in ("http://b.com", "https://b.com", "http://a.com", "http://a.com:1")
    ]
    assert found == [far, near, None, far]
    assert not Proxies({"all://a.com": None})
