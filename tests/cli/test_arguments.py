"""The command line is read as nginx reads it."""

import pytest

from surehop.cli.arguments import Arguments, read_arguments
from surehop.errors import OptionError


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], Arguments()),
        (["-"], Arguments()),
        (["-tq"], Arguments(test=True, quiet=True)),
        (["-T"], Arguments(test=True, dump=True)),
        (["-vt"], Arguments(version=True, test=True)),
        (["-V"], Arguments(version=True, built_with=True)),
        (["-?"], Arguments(version=True, help=True)),
        (["-h"], Arguments(version=True, help=True)),
        (["-p", "/x", "-c", "y"], Arguments(prefix="/x", configuration="y")),
        (["-p/x", "-cy"], Arguments(prefix="/x", configuration="y")),
        (["-tp", "/x"], Arguments(test=True, prefix="/x")),
        (["-tp/x"], Arguments(test=True, prefix="/x")),
        (["-p", "-c"], Arguments(prefix="-c")),
        (["-g", "pid a; env B;"], Arguments(directives="pid a; env B;")),
        (["-e", "stderr"], Arguments(error_log="stderr")),
        (["-s", "reload"], Arguments(signal="reload")),
        (["-squit"], Arguments(signal="quit")),
        (["--resolve", "a=1.2.3.4", "--resolve=b=::1"], Arguments(resolve=["a=1.2.3.4", "b=::1"])),
    ],
)
def test_what_is_meant(words: list[str], meant: Arguments) -> None:
    assert read_arguments(words) == meant


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x"], 'invalid option: "x"'),
        (["-x"], 'invalid option: "x"'),
        (["-tx"], 'invalid option: "x"'),
        (["-s", "foo"], 'invalid option: "-s foo"'),
        (["-sfoo"], 'invalid option: "-s foo"'),
        (["-p"], 'option "-p" requires directory name'),
        (["-c"], 'option "-c" requires file name'),
        (["-e"], 'option "-e" requires file name'),
        (["-g"], 'option "-g" requires parameter'),
        (["-s"], 'option "-s" requires parameter'),
        (["--colour"], 'invalid option: "--colour"'),
        (["--resolve"], 'option "--resolve" requires NAME=ADDR[,ADDR…]'),
    ],
)
def test_what_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(OptionError) as found:
        read_arguments(words)
    assert str(found.value) == told
