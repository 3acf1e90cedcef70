"""Configurations in the manner of what people publish: each loads, or names what it can't have.

And what becomes of them when they are cut, joined and scratched: an answer, never a crash.
"""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from surehop.conf.loading import load, loads
from surehop.errors import ConfigErrors
from surehop.plan.building import build

FOLDER = Path(__file__).parent / "corpus"
FILES = sorted(path.name for path in FOLDER.glob("*.conf"))
# They load today; more may, none may be lost.
LOADS = {
    *("api-gateway", "big-map", "bluegreen", "cors", "django", "elastic", "geo", "grafana"),
    *("keycloak", "latin1", "load-balancer", "maintenance", "node-app", "phoenix"),
    *("prometheus-basic-auth", "quotes", "react-docker", "registry", "several-ports"),
    *("sonarqube", "sticky", "syslog", "websockets"),
}
# They are wrong, and nginx says so too.
BROKEN = {
    "bom": 'unknown directive "\ufeffworker_processes"',
    "docker-template": 'invalid port in upstream "${API_HOST}:${API_PORT}"',
    "ingress-lua": 'unknown directive "lua_package_path"',
    "missing-semicolon": 'invalid parameter "server_name"',
    "tabs-and-odd-blanks": 'unknown directive "location/"',
    "trailing-brace": 'unexpected "}"',
    "typos": 'unknown directive "worker_conections"',
}
FOREIGN = {"modsecurity", *BROKEN}  # they speak of modules that nginx itself would have to be given
_NAMED = re.compile(r'".+" is an nginx \w+( of ".+")? that surehop does not support')
_CHUNK = re.compile(r"[^\n]*\n|[;{}]")


def errors_of(name: str) -> ConfigErrors | None:
    try:
        load(name, prefix=FOLDER, privileged=True)
    except ConfigErrors as errors:
        return errors
    return None


def test_there_are_enough() -> None:
    assert len(FILES) >= 50
    assert {f"{name}.conf" for name in LOADS | FOREIGN} <= set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_it_loads_or_names_what_it_can_not_have(file: str) -> None:
    name = file.removesuffix(".conf")
    found = errors_of(file)

    if name in LOADS:
        assert found is None, str(found)
        return
    for error in found.errors if found else ():
        assert error.line is not None, str(error)
        assert Path(error.file).is_relative_to(FOLDER)
        assert name in FOREIGN or _NAMED.fullmatch(error.message), str(error)


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_as_nginx_does(name: str) -> None:
    found = errors_of(f"{name}.conf")

    assert found is not None
    assert found.errors[0].message == BROKEN[name]


def test_lua_is_passed_over() -> None:
    found = errors_of("ingress-lua.conf")

    assert found is not None
    assert [error.message.split('"')[1] for error in found.errors] == [
        *("lua_package_path", "lua_shared_dict", "init_by_lua_block", "balancer_by_lua_block"),
        *("rewrite_by_lua_block", "log_by_lua_block"),
    ]


PIECES = [
    piece
    for file in FILES
    for piece in _CHUNK.findall((FOLDER / file).read_bytes().decode("utf-8", "surrogateescape"))
]
NOISE = st.sampled_from(
    [*"{};#$\\'\"~@=*\0\n ", "${", "\udcff", "é", "off", "-1", "9" * 30, "include *;"]
)
SCRATCHED = st.lists(st.one_of(st.sampled_from(PIECES), NOISE), max_size=60).map("".join)


@settings(max_examples=150, deadline=None)
@given(SCRATCHED)
def test_nothing_crashes_the_reader(text: str) -> None:
    with contextlib.suppress(ConfigErrors):
        model = loads(
            text.encode("utf-8", "surrogateescape"),
            file=str(FOLDER / "x.conf"),
            prefix=FOLDER,
            privileged=True,
        )
        build(model, resolve=lambda _: (), resilience_default=True, version="0", cpus=1).to_json()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_nothing_crashes_a_whole_file(data: st.DataObject) -> None:
    raw = (FOLDER / data.draw(st.sampled_from(FILES))).read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    noise = data.draw(NOISE).encode("utf-8", "surrogateescape")
    scratched = raw[:start] + noise + raw[end:]

    with contextlib.suppress(ConfigErrors):
        model = loads(scratched, file=str(FOLDER / "x.conf"), prefix=FOLDER, privileged=True)
        build(model, resolve=lambda _: (), resilience_default=True, version="0", cpus=1).to_json()
