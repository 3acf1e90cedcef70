import pytest
from hypothesis import given, strategies as st

from surehop.conf.tree import Broken, Node, broken, parse


def drawn(nodes: tuple[Node | Broken, ...]) -> str:
    """Draw a tree in one line: `name(args){block}`, `!message` for a broken place."""
    parts = []
    for node in nodes:
        if isinstance(node, Broken):
            parts.append(f"!{node.error.message}:{node.error.line}")
            continue
        block = "" if node.block is None else "{" + drawn(node.block) + "}"
        parts.append(f"{node.name.value}({','.join(node.words)}){block}")
    return " ".join(parts)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a; b c 'd e';", "a() b(c,d e)"),
        ("a { b; c {} }", "a(){b() c(){}}"),
        ("a x {\n} b;", "a(x){} b()"),
        (";", '!unexpected ";":1'),
        ("a; } b;", 'a() !unexpected "}":1 b()'),
        ("a { b }\nc;", 'a(){!unexpected "}":1} c()'),
        ("{ a; ; } b;", '!unexpected "{":1 !unexpected ";":1 b()'),
        ("a\n", '!unexpected end of file, expecting ";" or "}":2'),
        ("a { b {\n", 'a(){b(){!unexpected end of file, expecting "}":2}}'),
        ("a { 'b'c; }", 'a(){!unexpected "c":1}'),
        ("", ""),
        ("# only this", ""),
    ],
)
def test_trees(text: str, tree: str) -> None:
    assert drawn(parse(text, "f")) == tree


def test_what_is_missing_is_hinted_at() -> None:
    (outer,) = parse("http {\n  listen 80\n}", "f")
    assert isinstance(outer, Node)
    (place,) = broken((outer,))
    assert place.error.hint == 'is a ";" missing behind `80` (line 2)?'

    (place,) = broken(parse("http {\n server {", "f"))
    assert place.error.hint == "`server {` in line 2 is never closed"


@pytest.mark.parametrize(
    "comment",
    [
        "# surehop: resilience off;",
        "#surehop:resilience off ;",
        "#  surehop:  resilience 'off'; # b",
    ],
)
def test_a_comment_can_be_a_directive(comment: str) -> None:
    (node,) = parse(f"\n  {comment}\n", "f")

    assert isinstance(node, Node)
    assert (node.name.value, node.words, node.commented) == ("resilience", ("off",), True)
    assert (node.line, node.name.column) == (2, 3 + comment.index("resilience"))
    assert (node.name.start, node.name.end) == (node.name.column, node.name.column + 10)


@pytest.mark.parametrize("comment", ["# surehop is good;", "# see surehop: x;", "## surehop: x;"])
def test_other_comments_are_none(comment: str) -> None:
    assert parse(comment, "f") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# surehop: resilience off", 'directive "resilience" is not terminated by ";"'),
        ("# surehop:", 'directive "" is not terminated by ";"'),
        ("# surehop: a; b;", "only one directive without a block can stand in a comment"),
        ("# surehop: a { }", 'directive "a" is not terminated by ";"'),
        ("# surehop: 'a'b;", 'unexpected "b"'),
        ("a b # surehop: c;\n;", "`# surehop: c;` stands inside of a directive"),
    ],
)
def test_a_broken_comment(text: str, message: str) -> None:
    assert [place.error.message for place in broken(parse(text, "f"))] == [message]


TEXTS = st.lists(
    st.sampled_from(["a", " ", ";", "{", "}", "'b'", '"', "\n", "# surehop: a on;", "#", "\\"]),
    max_size=60,
).map("".join)


@given(TEXTS)
def test_any_text_gives_a_tree(text: str) -> None:
    lines = text.count("\n") + 1
    for place in broken(parse(text, "f")):
        assert place.error.line is not None
        assert 1 <= place.error.line <= lines


def test_depth_is_no_limit() -> None:
    deep = 50_000
    nodes = parse("a{" * deep, "f")

    assert [place.error.message for place in broken(nodes)] == [
        'unexpected end of file, expecting "}"'
    ]


def test_what_the_doctor_is_told_is_no_directive() -> None:
    assert parse("a; # surehop: ignore SH001\n# surehop: ignore\n", "f") == parse("a;", "f")
    (node,) = parse("# surehop: ignored x;", "f")
    assert isinstance(node, Node)
