import surehop.errors
from surehop.errors import ConfigError, ConfigErrors, SurehopError


def drawn(root: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    inner = [line for child in root.__subclasses__() for line in drawn(child, depth + 1)]
    return [(depth, root.__name__), *inner]


def test_the_tree_is_as_drawn() -> None:
    lines = [line for line in (surehop.errors.__doc__ or "").splitlines() if "Error" in line]
    names = [
        (line.index(name) // 4, name) for line in lines for name in [line.strip("│├└─ ").split()[0]]
    ]

    assert names == drawn(SurehopError)


def test_a_place() -> None:
    error = ConfigError("x", file="f", line=3, column=4, hint="y")

    assert (str(error), error.message, error.hint, error.errors) == ("x in f:3", "x", "y", (error,))
    assert str(ConfigError("x", file="f", line=None)) == "x in f"


def test_many_speak_for_the_first() -> None:
    first, second = ConfigError("x", file="f", line=3, hint="h"), ConfigError("y", file="g", line=4)
    both = ConfigErrors([first, second])

    assert (both.message, both.file, both.line, both.hint) == ("x", "f", 3, "h")
    assert str(both) == "x in f:3\ny in g:4"
    assert both.errors == (first, second)
