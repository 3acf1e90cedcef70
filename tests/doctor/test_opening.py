"""What is packed is read as if it were not, and what is damaged is told."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from reading import ids, options, report

from surehop.doctor import examine
from surehop.doctor.log_views import line
from surehop.errors import OptionError

LOG = line("no live upstreams", "connecting", "app").encode()
NOBODY = 65534
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_it_is_unpacked(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    # more than is looked at first, of which little can be packed
    bulky = b"".join(b"# " + os.urandom(500).hex().encode() + b"\n" for _ in range(400))

    told = report(tmp_path, pack(LOG + bulky) + pack(LOG), file="error.log")

    assert ids(told) == ["SH002"]
    assert told.logs.understood == 2
    assert told.logs.unknown == 400


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_what_is_cut_is_told_and_read_as_far_as_it_goes(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    bulky = b"".join(LOG + os.urandom(500).hex().encode() + b"\n" for _ in range(4000))
    packed = pack(bulky)

    told = report(tmp_path, packed[: len(packed) // 2], file="error.log")

    assert ids(told) == ["SH002"]
    assert 0 < told.logs.understood < 4000
    assert "error.log` can't be read" in told.notes[0]
    assert "what stands before that is judged" in told.notes[0]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_configuration_that_is_cut_is_not_judged(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    text = b"server { location / { proxy_pass http://192.0.2.1; } }\n"

    with pytest.raises(OptionError, match="can't be read"):
        report(tmp_path, pack(text)[:-5], file="nginx.conf.packed")


def test_a_window_of_zstd_that_is_too_large_is_told(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(LOG) + packer.flush()

    with pytest.raises(OptionError, match="zstdcat --long=31"):
        report(tmp_path, packed, file="error.log")


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder into which one may not look, as those of logs are for who is not root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    for each in (tmp_path, folder):
        (each / "error.log").write_bytes(LOG)
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    folder.chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(me)
    folder.chmod(0o755)


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("target", ["closed", "closed/error.log"])
def test_what_one_may_not_read_is_told(target: str) -> None:
    with pytest.raises(OptionError, match=f"`{target}` can't be read: permission denied"):
        examine([target], options())


@pytest.mark.usefixtures("closed")
def test_beside_what_one_may_not_read_the_rest_is_judged() -> None:
    told = examine(["."], options())

    assert ids(told) == ["SH002"]
    assert told.notes[0] == "`./closed` can't be read: permission denied: the rest is judged"


def test_what_is_there_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "error.log").write_bytes(LOG)
    (tmp_path / "current.log").symlink_to("error.log")
    (tmp_path / "here").symlink_to(".")

    told = examine([str(tmp_path), str(tmp_path / "error.log")], options())

    assert told.logs.understood == 1
