"""The plugin: fixtures for other people's tests, as pytest finds them."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from raw import GET, Raw
from surehop.testing import Fault, Injected, Origin, OriginProcess, Tap

Make = Callable[..., Origin]


@pytest.fixture
def origin(make_origin: Make) -> Origin:
    """The plugin's, and not the one that this project's tests had before."""
    return make_origin()


def test_pytest_finds_it() -> None:
    (found,) = entry_points(group="pytest11", name="surehop")
    assert found.value == "surehop.lab.fixtures"


def test_it_costs_little_where_it_is_not_used() -> None:
    code = "import sys, surehop.lab.fixtures; print('surehop.lab.origins' in sys.modules)"
    argv = [sys.executable, "-c", code]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "False\n"


def test_no_extra_is_wanted() -> None:
    code = """if True:
        import sys
        sys.modules.update(rich=None, matplotlib=None)
        from surehop.testing import Origin, Tap
        with Origin() as origin, Tap(f"127.0.0.1:{origin.port}") as tap:
            print(tap.port != origin.port)
    """
    argv = [sys.executable, "-c", code]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "True\n"


def test_a_fault_is_in_force_until_its_block_ends(
    origin: Origin, fault: Callable[..., Injected]
) -> None:
    with fault("rst", nth=2) as injected:
        assert injected.fault == Fault("rst", nth=2)
        with Raw(origin.port) as raw:
            assert raw.answer()[0] == 200
            assert raw.send(GET).end() == "rst"
    with Raw(origin.port) as raw:
        assert [raw.answer()[0] for _ in range(2)] == [200, 200]


def test_faults_are_added_up(origin: Origin, fault: Callable[..., Injected]) -> None:
    fault("fin", path="/a")
    fault("garbage", path="/b")
    assert [f.kind for f in origin.behaviour.faults] == ["fin", "garbage"]


def test_two_that_are_alike_are_two(origin: Origin, fault: Callable[..., Injected]) -> None:
    kept = fault("fin")
    fault("fin").remove()
    assert origin.behaviour.faults == (kept.fault,)


def test_several_origins(make_origin: Make) -> None:
    one, other = make_origin(), make_origin(profile="nginx", listen="ipv6")
    assert one.url == f"http://127.0.0.1:{one.port}"
    assert other.url == f"http://[::1]:{other.port}"
    with Raw(other.port, "::1") as raw:
        assert raw.answer()[1]["server"] == "nginx"
    one.set(listen="none")
    assert one.url == f"http://127.0.0.1:{one.port}"


def test_an_origin_in_a_process_has_a_url() -> None:
    with OriginProcess() as process:
        assert process.url == f"http://127.0.0.1:{process.port}"


def test_a_tap_tells_who_closed(
    fault: Callable[..., Injected], tap: Tap, make_tap: Callable[[str], Tap]
) -> None:
    fault("rst", nth=2)
    with Raw(make_tap(f"127.0.0.1:{tap.port}").port) as raw:
        assert raw.answer()[0] == 200
        assert raw.send(GET).end() == "rst"
    (connection,) = tap.wait(1)
    assert (connection.endings[0].side, connection.endings[0].how) == ("upstream", "rst")


def pytest_says(folder: Path, text: str) -> str:
    (folder / "test_theirs.py").write_text(text)
    argv = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    argv += ["-W", "error", "--rootdir", str(folder)]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_a_marker_says_what_origin_is(tmp_path: Path) -> None:
    text = """\
import pytest

@pytest.mark.origin(profile="node20", max_connections=1)
def test_it(origin):
    assert origin.behaviour.profile == "node20"
    assert origin.behaviour.max_connections == 1

def test_without(origin):
    assert origin.behaviour.profile == "plain"

@pytest.mark.origin(profil="node20")
def test_wrong(origin):
    pass
"""
    said = pytest_says(tmp_path, text)
    assert "2 passed, 1 error" in said
    assert "an origin has no `profil`" in said
