"""Every block in the docs is what it says: configurations load, Python runs, commands parse.

A configuration block says what it is: `nginx` alone is a whole file, `nginx http`, `nginx server`,
`nginx location` and `nginx upstream` is what stands in such a block. What `python shows` prints is
the block after it, but for numbers. A block of Python or JavaScript with a file's name is part of a
worked example, which `test_examples` runs.
"""

import re
import shlex
from pathlib import Path

import pytest
from internal import names
from pages import PAGES, ROOT, Block, blocks, blocks_of, links_of

from surehop.cli import main, nginx_main
from surehop.lab.origins import command
from surehop.lab.report import command as report_command
from surehop.lab.scenarios import SCENARIOS, command as run_command
from surehop.lab.tap import command as tap_command

NAMES = {"localhost": "127.0.0.1,[::1]", "app.internal": "192.0.2.7,[2001:db8::7]"}
OUTER = {
    "http": "events {{}} http {{\n{}\n}}",
    "server": "events {{}} http {{ server {{ listen 127.0.0.1:8080;\n{}\n}} }}",
    "location": "events {{}} http {{ server {{ listen 127.0.0.1:8080; location / {{\n{}\n}} }} }}",
    "upstream": "events {{}} http {{ upstream app {{\n{}\n}}"
    " server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://app; }} }} }}",
}
PROGRAMS = {"surehop": main, "surehop-nginx": nginx_main}
# Programs that a console block may show beside ours.
OTHERS = {"curl", "kill", "git", "sudo", "cat", "source", ".venv/bin/python"}
# What differs from run to run: times and ports.
NUMBERS = re.compile(r"\d+\.\d{3} s|:\d{4,5}\b")
named = pytest.mark.parametrize


def whole(block: Block) -> str:
    """The configuration with the blocks around it that it needs."""
    wrap = OUTER[block.words[1]] if len(block.words) > 1 else "{}"
    return wrap.format(block.text)


def check(text: str, folder: Path) -> int:
    (folder / "nginx.conf").write_text(text)
    (folder / "logs").mkdir(exist_ok=True)
    resolve = [f"--resolve={name}={addresses}" for name, addresses in NAMES.items()]
    return main(["proxy", "-t", "-p", str(folder), "-c", "nginx.conf", *resolve])


def commands(block: Block) -> list[list[str]]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


@named("block", blocks("nginx"), ids=lambda block: block.name)
def test_configurations_load(
    block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(whole(block), tmp_path) == 0, capsys.readouterr().err


def test_a_wrong_configuration_is_found(tmp_path: Path) -> None:
    text = "```nginx upstream\nserver 127.0.0.1:3000 wait=3;\n```\n"
    (block,) = blocks_of(ROOT / "README.md", text)

    assert check(whole(block), tmp_path) == 1


@named("block", [b for b in blocks("python") if not b.file], ids=lambda block: block.name)
def test_python_runs(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = compile("\n" * block.line + block.text, block.page, "exec")
    with names(monkeypatch):
        exec(code, {"__name__": "docs"})  # noqa: S102 (the docs are ours)
    if "shows" in block.words:
        check_shown(block, capsys.readouterr().out)


def check_shown(block: Block, told: str) -> None:
    every = list(blocks_of(block.page, block.page.read_text("utf-8")))
    after = every[every.index(block) + 1]
    assert after.language == "text", f"{block.name} shows something, but no `text` comes after it"
    assert NUMBERS.sub("0", told) == NUMBERS.sub("0", after.text)


def test_a_wrong_output_is_found() -> None:
    page = ROOT / "docs" / "client.md"
    block = next(block for block in blocks("python") if block.page == page)

    with pytest.raises(AssertionError):
        check_shown(block, "something else\n")


@named("block", blocks("console"), ids=lambda block: block.name)
def test_commands_parse(
    block: Block, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("surehop.cli.proxy._run", lambda *_: 0)
    monkeypatch.setattr("surehop.lab.origins.main", _parsed_origin)
    monkeypatch.setattr("surehop.cli.doctor._examine", lambda *_: 0)
    monkeypatch.setattr("surehop.cli.probe._probe", lambda *_: 0)
    monkeypatch.setattr("surehop.lab.tap.main", _parsed_tap)
    monkeypatch.setattr("surehop.lab.scenarios.command.main", _parsed_run)
    monkeypatch.setattr("surehop.lab.report.command.main", _parsed_report)
    found = commands(block)

    assert found, "a console block shows what to type after `$ `"
    for program, *arguments in found:
        if program == "make":
            assert arguments[0] in targets(), f"no target `{arguments[0]}`"
        elif program in PROGRAMS:
            assert PROGRAMS[program]([a for a in arguments if a != "&"]) == 0, arguments
        else:
            assert program in OTHERS, f"say in OTHERS that `{program}` may be shown"
    assert "error" not in capsys.readouterr().err


def test_a_wrong_command_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surehop.cli.proxy._run", lambda *_: 0)
    (block,) = blocks_of(ROOT / "README.md", "```console\n$ surehop proxy --config x\n```\n")

    assert main(commands(block)[0][1:]) == 1


@named("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page.read_text("utf-8")):
        if not re.match(r"https?:", link):
            target = link.partition("#")[0]
            assert not target or (page.parent / target).exists(), f"{page.name}: {link}"


def test_blocks_say_what_they_are() -> None:
    known = {"nginx", "python", "console", "text", "json", "javascript"}
    # In the pages of findings: tests/doctor runs the examples, the commands are the reader's.
    known |= {"access-log", "capture", "conf", "envoy-log", "error-log", "haproxy", "haproxy-log"}
    known |= {"alb-access-log", "application-log", "gcp-load-balancer-log", "sh"}
    known.add("sql")  # DuckDB is too large to be installed for one block
    known.add("yaml")  # test_ci runs the commands in it
    every = [b for page in PAGES for b in blocks_of(page, page.read_text("utf-8"))]

    assert [b.name for b in every if b.language not in known] == []
    assert sum(b.language == "nginx" for b in every) >= len(OUTER)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _parsed_origin(arguments: list[str]) -> int:
    return 0 if command._parser().parse_args(arguments) else 1


def _parsed_run(arguments: list[str]) -> int:
    assert run_command._parser().parse_args(arguments).scenario in SCENARIOS
    return 0


def _parsed_report(arguments: list[str]) -> int:
    report_command._parser().parse_args(arguments)
    return 0


def _parsed_tap(arguments: list[str]) -> int:
    return 0 if tap_command._parser().parse_args(arguments) else 1
