"""Content codings against those who pack: zlib, brotli, zstandard."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import given, strategies as st

from surehop._core import Decoder

MIB = 1 << 20


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def frames(data: bytes) -> bytes:
    """Two frames, one with its length and one without, and one that is to be skipped."""
    half = len(data) // 2
    stream = zstandard.ZstdCompressor().compressobj()
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    first = zstandard.ZstdCompressor().compress(data[:half])
    return first + skipped + stream.compress(data[half:]) + stream.flush()


def members(data: bytes) -> bytes:
    third = len(data) // 3
    return gzip.compress(data[:third]) + gzip.compress(b"") + gzip.compress(data[third:])


PACK: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip-members": ("gzip", members),
    "deflate": ("deflate", zlib.compress),
    "deflate-bare": ("deflate", bare),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd-frames": ("zstd", frames),
}
coded = pytest.mark.parametrize("kind", PACK)
# Repeats pack well; a few random bytes don't.
bodies = st.builds(
    lambda pieces: b"".join(piece * times for piece, times in pieces),
    st.lists(st.tuples(st.binary(max_size=100), st.integers(1, 300)), max_size=6),
)


def pieces(decoder: Decoder, data: bytes, limit: int) -> Iterator[bytes]:
    yield decoder.decode(data, limit)
    while decoder.pending:
        yield decoder.decode(b"", limit)


@coded
@given(body=bodies, cuts=st.lists(st.integers(0, 2000), max_size=5), limit=st.integers(1, 5000))
def test_what_was_packed_comes_back(kind: str, body: bytes, cuts: list[int], limit: int) -> None:
    encoding, pack = PACK[kind]
    packed = pack(body)
    decoder = Decoder(encoding)
    places = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    came: list[bytes] = []
    for start, end in pairwise(places):
        came += pieces(decoder, packed[start:end], limit)

    assert b"".join(came) + decoder.finish() == body
    assert all(len(piece) <= limit for piece in came)


@coded
@given(body=bodies, cut=st.integers(1, 1 << 16))
def test_a_body_that_is_cut_short(kind: str, body: bytes, cut: int) -> None:
    encoding, pack = PACK[kind]
    body += b"."
    packed = pack(body)
    # Behind a member or a frame the data may end.
    cut = 1 + cut % (len(packed) - 1) if kind in {"gzip", "deflate", "br", "zstd"} else 1
    decoder = Decoder(encoding)
    came = decoder.decode(packed[: len(packed) - cut])

    assert body.startswith(came)
    with pytest.raises(ValueError, match=f"the {encoding} data ends before its end"):
        decoder.finish()


@coded
@given(body=bodies, place=st.integers(0, 1 << 16), byte=st.integers(1, 255))
def test_a_byte_is_wrong(kind: str, body: bytes, place: int, byte: int) -> None:
    """Whatever came is no crash, and where the coding has a sum of the body, no lie."""
    encoding, pack = PACK[kind]
    packed = bytearray(pack(body))
    packed[place % len(packed)] ^= byte
    decoder = Decoder(encoding)
    try:
        came = decoder.decode(bytes(packed)) + decoder.finish()
    except ValueError as error:
        with pytest.raises(ValueError, match=f"^{error}$"):
            decoder.decode(b"")
    else:
        # Some fields of gzip's head change nothing; deflate's first byte says whether a sum comes.
        summed = kind == "gzip" or (kind == "deflate" and place % len(packed) > 0)
        assert came == body or not summed


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@given(data=st.binary(max_size=300))
def test_any_bytes(encoding: str, data: bytes) -> None:
    with suppress(ValueError):
        assert len(Decoder(encoding).decode(data, 10_000)) <= 10_000


@coded
def test_a_bomb_is_bounded(kind: str) -> None:
    encoding, pack = PACK[kind]
    packed = pack(bytes(16 * MIB))
    decoder = Decoder(encoding)
    tracemalloc.start()
    try:
        came = sum(len(piece) for piece in pieces(decoder, packed, 65536))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert came == 16 * MIB
    assert decoder.finish() == b""
    assert peak < MIB


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "br", "zstd", "GZIP"])
def test_no_body_at_all(encoding: str) -> None:
    decoder = Decoder(encoding)

    assert decoder.decode(b"") == b""
    assert not decoder.pending
    assert decoder.finish() == b""


def test_all_at_once_without_a_limit() -> None:
    decoder = Decoder("br")

    assert decoder.decode(brotli.compress(bytes(8 * MIB))) == bytes(8 * MIB)
    assert not decoder.pending


def test_finish_gives_what_was_not_asked_for() -> None:
    decoder = Decoder("zstd")
    body = b"0123456789" * 10_000

    assert decoder.decode(zstandard.compress(body), 15) == body[:15]
    assert decoder.pending
    assert decoder.finish() == body[15:]


def test_windows_above_what_the_coding_allows() -> None:
    def packed(window: int) -> bytes:
        parameters = zstandard.ZstdCompressionParameters(
            window_log=window, write_content_size=False
        )
        stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        return stream.compress(b"a" * 1000) + stream.flush()

    assert Decoder("zstd").decode(packed(23)) == b"a" * 1000
    with pytest.raises(ValueError, match="wants a window of more than 8 MiB"):
        Decoder("zstd").decode(packed(24))


def test_an_unknown_coding() -> None:
    with pytest.raises(
        ValueError, match="`lzma` is no known content coding: gzip, deflate, br and zstd are"
    ):
        Decoder("lzma")


def test_only_bytes() -> None:
    with pytest.raises(TypeError):
        Decoder("gzip").decode("text")  # type: ignore[arg-type]


def test_threads_unpack_side_by_side() -> None:
    packed = gzip.compress(bytes(MIB))

    def work(_: int) -> int:
        return len(Decoder("gzip").decode(packed))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(16))) == [MIB] * 16
