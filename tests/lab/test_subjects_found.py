"""Subjects are found, with their versions, and what is missing is told with how to add it."""

import json
import shutil
from pathlib import Path

import pytest

from surehop.cli import main
from surehop.lab.clients import Client, find_clients
from surehop.lab.programs import Found, find_all


def by_name(found: list[Found]) -> dict[str, Found]:
    return {one.name: one for one in found}


def program(folder: Path, name: str, says: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


def package(folder: Path, name: str, version: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "package.json").write_text(json.dumps({"name": name, "version": version}))


@pytest.fixture(autouse=True)
def _no_node_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.chdir(tmp_path)


def test_versions_are_read(tmp_path: Path) -> None:
    found = by_name(
        find_all(
            nginx=program(tmp_path, "nginx", "nginx version: nginx/1.31.2"),
            haproxy=program(tmp_path, "haproxy", "HAProxy version 3.0.1-1 2025/01/01"),
            curl=program(tmp_path, "curl", "curl 8.14.1 (x86_64) libcurl/8.14.1"),
            node=program(tmp_path, "node", "v20.20.2"),
        )
    )
    versions = {name: found[name].version for name in ("haproxy", "curl", "node")}
    assert versions == {"haproxy": "3.0.1", "curl": "8.14.1", "node": "20.20.2"}
    assert found["curl"].where == str(tmp_path / "curl")


def test_what_is_missing_is_told_with_how_to_add_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name(find_all())
    for name in ("haproxy", "curl", "node", "axios", "axios-retry", "undici"):
        assert (found[name].version, found[name].where) == (None, None)
        assert "install" in found[name].add


def test_a_folder_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "node_modules", "axios", "1.2.3")
    monkeypatch.chdir(tmp_path)
    where = by_name(find_all(node_modules=Path()))["axios"].where
    assert where == str(tmp_path / "node_modules" / "axios")


@pytest.mark.parametrize("inner", ["", "node_modules"])
def test_packages_of_node(tmp_path: Path, inner: str) -> None:
    package(tmp_path / "kept" / inner, "axios", "1.2.3")
    found = by_name(find_all(node_modules=tmp_path / "kept"))
    assert found["axios"].version == "1.2.3"
    assert found["undici"].version is None
    assert str(tmp_path / "kept") in found["undici"].add


def test_a_folder_may_be_named_from_here(tmp_path: Path) -> None:
    package(tmp_path / "kept" / "node_modules", "undici", "7.0.0")
    if not shutil.which("node"):
        pytest.skip("no Node")
    found = find_clients(Path("kept"))["undici"]
    assert isinstance(found, Client)
    folder = str(tmp_path / "kept" / "node_modules")
    assert dict(found.environment) == {"NODE_MODULES_DIR": folder, "NODE_PATH": folder}


def test_packages_on_nodes_own_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package(tmp_path / "global", "undici", "7.0.0")
    monkeypatch.setenv("NODE_PATH", str(tmp_path / "global"))
    assert by_name(find_all())["undici"].version == "7.0.0"
    package(tmp_path / "node_modules", "undici", "8.0.0")
    assert by_name(find_all())["undici"].version == "8.0.0"


def test_a_broken_package_is_none(tmp_path: Path) -> None:
    (tmp_path / "axios").mkdir()
    (tmp_path / "axios" / "package.json").write_text("{")
    assert by_name(find_all(node_modules=tmp_path))["axios"].version is None


def test_an_nginx_that_is_too_old_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nginx"
    path.write_text("#!/bin/sh\necho nginx version: nginx/1.22.1 >&2\n")
    path.chmod(0o755)
    found = by_name(find_all(nginx=str(path)))["nginx"]
    assert found.version is None
    assert "1.22.1, which is too old" in found.add


def test_what_is_given_and_is_none_is_told(tmp_path: Path) -> None:
    found = by_name(find_all(curl=program(tmp_path, "curl", "hello")))["curl"]
    assert found.version is None
    assert found.add.startswith(f"{tmp_path}/curl is no curl")


def test_the_command_tells_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "subjects"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in find_all()]
    assert main(["lab", "subjects", "--json"]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["httpx"]["version"]
    assert (told["curl"]["version"] is None) == (shutil.which("curl") is None)
