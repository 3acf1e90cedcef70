import contextlib
import json
import tempfile
from pathlib import Path

import crossplane
import pytest
from hypothesis import given, strategies as st

from surehop.conf.tokens import Kind, Token, scan, tokenize
from surehop.errors import ConfigError

PIECES = st.sampled_from(
    [*"ab{};#$\\'\"()\n\t\r =/~", "${", "\\n", "é", "\udcff", "# surehop: a on;", "proxy_pass"]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def words(text: str) -> list[str]:
    return [token.value for token in tokenize(text, "f") if token.kind is Kind.WORD]


@given(TEXTS)
def test_raw_text_is_the_source(text: str) -> None:
    scanned = scan(text, "f")
    joined = "".join(token.raw for token in scanned.tokens)

    assert text.startswith(joined)
    assert scanned.error is not None or joined == text


@given(TEXTS)
def test_spans_are_bytes_of_the_file(text: str) -> None:
    source = text.encode("utf-8", "surrogateescape")
    for token in scan(text, "f").tokens:
        raw = token.raw.encode("utf-8", "surrogateescape")
        assert source[token.start : token.end] == raw
        assert token.line == source[: token.start].count(b"\n") + 1


@given(TEXTS)
def test_columns_count_characters_of_the_line(text: str) -> None:
    lines = text.split("\n")
    for token in scan(text, "f").tokens:
        first = token.raw.split("\n")[0]
        assert lines[token.line - 1][token.column - 1 :].startswith(first)


@given(TEXTS)
def test_nothing_but_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        tokenize(text, "f")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a b;c{d}", ["a", "b", "c", "d}"]),
        ("a ${b}{c}", ["a", "${b}", "c}"]),
        ("a $b{c", ["a", "$b", "c"]),
        ("a${{b;", ["a${{b"]),
        (r"a\;b c\ d", [r"a\;b", r"c\ d"]),
        (r'a "b\"c" d\"e', ["a", 'b"c', 'd"e']),
        (r'"a\tb\nc\rd\\e\f"', ["a\tb\nc\rd\\e\\f"]),
        ("'a\"b' \"c'd\"", ['a"b', "c'd"]),
        ('"a")b;', ["a", ")b"]),
        ("a#b c #d", ["a#b", "c"]),
        ("\\#a", ["\\#a"]),
        ("'' \"\"", ["", ""]),
        ("a\rb", ["a", "b"]),
        ("a\\", ["a\\"]),
    ],
)
def test_words(text: str, values: list[str]) -> None:
    assert words(text) == values


def test_a_token_knows_its_place() -> None:
    tokens = [
        token for token in tokenize("é {\n  'b'; # c\n}", "f") if token.kind is not Kind.BLANK
    ]

    assert tokens[2] == Token(Kind.WORD, "b", "'b'", "'", 2, 3, 7, 10)
    assert [token.kind for token in tokens] == [
        *(Kind.WORD, Kind.OPEN, Kind.WORD, Kind.SEMICOLON, Kind.COMMENT, Kind.CLOSE),
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ('a\n "b"c', 'unexpected "c"', 2, 5),
        ('"a"}', 'unexpected "}"', 1, 4),
        ('"a"#b', 'unexpected "#"', 1, 4),
        ("a 'b\nc", 'unexpected end of file, expecting ";" or "}"', 2, 2),
        ("a\n" + "b" * 4096, 'too long parameter "bbbbbbbbbb..." started', 2, 1),
        (
            "'" + "b" * 4096 + "'",
            'too long parameter, probably missing terminating "\'" character',
            1,
            1,
        ),
    ],
)
def test_what_is_no_token(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(ConfigError) as caught:
        tokenize(text, "f")

    assert (caught.value.message, caught.value.line, caught.value.column) == (message, line, column)


def test_the_longest_parameter() -> None:
    assert words("b" * 4095) == ["b" * 4095]
    assert words('"' + "b" * 4095 + '"') == ["b" * 4095]


def test_an_unclosed_quote_says_which() -> None:
    error = scan("a;\nb 'cd ef", "f").error

    assert error is not None
    assert error.hint == "the ' that opens \"'cd ef\" is never closed"


# crossplane reads the same language, but for escapes: it leaves the backslashes as they are
PLAIN = st.text(st.sampled_from("abc019_/.:=~^*$-é"), min_size=1, max_size=8).filter(
    lambda word: not word.endswith("$")
)
QUOTED = st.text(st.sampled_from("ab ;{}#'$"), max_size=8).map(lambda inner: f'"{inner}"')
ARGS = st.lists(st.one_of(PLAIN, QUOTED), max_size=4).map(" ".join)
DIRECTIVE = st.builds("{} {}{}".format, PLAIN, ARGS, st.sampled_from([" ;\n", ";", " {}\n", "{ }"]))


@given(st.lists(DIRECTIVE, max_size=6).map("".join))
def test_crossplane_sees_the_same_words(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "nginx.conf")
        file.write_text(text)
        theirs = [(word, line) for word, line, _quoted in crossplane.lexer.lex(str(file))]
    ours = [
        (token.value or token.raw.strip("\"'"), token.line)
        for token in tokenize(text, "f")
        if token.kind not in {Kind.BLANK, Kind.COMMENT}
    ]

    assert json.dumps(ours) == json.dumps(theirs)
