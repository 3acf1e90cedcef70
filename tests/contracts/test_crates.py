"""The crates keep to their rules, and the rules bite."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from crates import MAY_USE, broken, unsafe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("missing: cargo")
    command = [cargo, "metadata", "--format-version", "1", "--no-deps", "--locked"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_every_crate_uses_only_what_it_may(metadata: dict[str, Any]) -> None:
    assert {package["name"] for package in metadata["packages"]} == MAY_USE.keys()
    assert list(broken(metadata)) == []


@pytest.mark.parametrize(
    ("name", "other", "kind", "sentence"),
    [
        ("surehop-engine", "surehop-wire", None, "surehop-engine may not use surehop-wire"),
        ("surehop-wire", "surehop-engine", "dev", "surehop-wire may not use surehop-engine"),
        ("surehop-hop", "surehop-proxy", None, "surehop-hop may not use surehop-proxy"),
        ("surehop-proxy", "surehop-python", None, "surehop-proxy may not use surehop-python"),
        ("surehop-engine", "mio", None, "surehop-engine is pure and may not use mio"),
        ("surehop-wire", "rustix", "build", "surehop-wire is pure and may not use rustix"),
        (
            "surehop-proxy",
            "pyo3",
            None,
            "surehop-proxy may not use pyo3: only surehop-python knows Python",
        ),
    ],
)
def test_a_forbidden_dependency_is_found(
    metadata: dict[str, Any], name: str, other: str, kind: str | None, sentence: str
) -> None:
    changed = json.loads(json.dumps(metadata))
    package = next(p for p in changed["packages"] if p["name"] == name)
    package["dependencies"].append({"name": other, "kind": kind})

    assert list(broken(changed)) == [sentence]


def test_a_crate_without_a_rule_is_found() -> None:
    stranger = {"packages": [{"name": "surehop-misc", "dependencies": []}]}

    assert list(broken(stranger)) == [
        "surehop-misc has no rule: say in tests/contracts/crates.py whom it may use"
    ]


def test_only_hop_allows_unsafe_code() -> None:
    assert unsafe(ROOT / "crates") <= {"hop"}


def test_unsafe_code_elsewhere_is_found(tmp_path: Path) -> None:
    for crate, line in (("wire", "#[allow(unsafe_code)]"), ("proxy", "#[allow(dead_code)]")):
        (tmp_path / crate / "src").mkdir(parents=True)
        (tmp_path / crate / "src" / "lib.rs").write_text(f"{line}\nfn f() {{}}\n")

    assert unsafe(tmp_path) == {"wire"}


def test_unsafe_code_is_denied_wherever_no_line_allows_it() -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    assert workspace["workspace"]["lints"]["rust"]["unsafe_code"] in {"deny", "forbid"}
    for member in workspace["workspace"]["members"]:
        crate = tomllib.loads((ROOT / member / "Cargo.toml").read_text())
        assert crate["lints"] == {"workspace": True}, member
