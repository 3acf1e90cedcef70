"""Pages of HTML and Markdown: all that the report has, and nothing that somebody slipped in."""

from pathlib import Path

import pytest
from reading import BOTH, options, report

from surehop.doctor import examine, render
from surehop.lab.ports import Port

HOSTILE = (
    "2026/01/05 10:00:00 [error] 11#11: *7 connect() failed (111: Connection refused) while"
    " connecting to upstream, client: 192.0.2.1, server: a, request:"
    ' "GET /</pre><script>x</script>|```\x1b[2J\u202e HTTP/1.1",'
    ' upstream: "http://127.0.0.1:3000/```", host: "a"\n'
)


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_probe_is_shown(form: str) -> None:
    with Port() as port:
        told = examine([f"http://127.0.0.1:{port.number}/?token=hunter2"], options())

    shown = render(told, form)

    assert f"address       127.0.0.1:{port.number} refused after " in shown
    assert "1 error" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_what_was_not_read_and_what_was_kept_back_is_told(form: str, tmp_path: Path) -> None:
    text = "include missing; upstream a { server localhost:3000; # surehop: ignore SH001\n}"

    shown = render(report(tmp_path, text, BOTH), form)

    assert "be read (no such file or directory): the rest is judged" in shown
    assert "nothing found, 1 kept back" in shown


def test_a_log_slips_nothing_in(tmp_path: Path) -> None:
    told = report(tmp_path, HOSTILE, file="error.log")
    page, text = render(told, "html"), render(told, "markdown")

    assert "<script>" not in page
    assert page.count("</pre>") == page.count("<pre>")
    fence = next(line for line in text.split("\n") if line.endswith("text")).removesuffix("text")
    assert len(fence) > 3
    assert set(fence) == {"`"}
    quoted = text.split(fence)[1]
    assert "<script>" in quoted
    assert text.count("<script>") == 1
    assert all(code not in page + text for code in "\x1b\u202e")


def test_a_name_begins_no_line_of_its_own(tmp_path: Path) -> None:
    text = "upstream 'a\n# b\n\n<b>' { server localhost:3000; }"

    for form in ("markdown", "text"):
        lines = render(report(tmp_path, text, BOTH), form).split("\n")
        assert not [line for line in lines if line.startswith(("# b", "<b>"))]
