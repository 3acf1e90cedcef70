"""What is packed is read as if it were not, and what is damaged is told."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from reading import ids, report

from surehop.doctor.log_views import line
from surehop.errors import OptionError

LOG = line("no live upstreams", "connecting", "app").encode()
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
def test_what_is_cut_is_told(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="can't be read"):
        report(tmp_path, pack(LOG * 99)[:-5], file="error.log")


def test_a_window_of_zstd_that_is_too_large_is_told(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(LOG) + packer.flush()

    with pytest.raises(OptionError, match="zstdcat --long=31"):
        report(tmp_path, packed, file="error.log")
