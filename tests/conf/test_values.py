import pytest

from surehop.conf import units

MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "ms", "seconds"),
    [
        ("0", 0, 0),
        ("5", 5_000, 5),
        ("5s", 5_000, 5),
        ("250ms", 250, None),
        ("1m30s", 90_000, 90),
        ("1h 30m", 5_400_000, 5_400),
        ("1d12h", 129_600_000, 129_600),
        ("2w", 1_209_600_000, 1_209_600),
        ("1s500ms", 1_500, None),
        ("1m 5", 65_000, 65),
        ("1M", None, 30 * 86400),
        ("1y", None, 365 * 86400),
        ("30s1m", None, None),
        ("1s1s", None, None),
        ("", None, None),
        ("s", None, None),
        ("-1", None, None),
        ("1.5", None, None),
        ("٣", None, None),
        (str(MAX), None, MAX),
        (str(MAX + 1), None, None),
    ],
)
def test_times(text: str, ms: int | None, seconds: int | None) -> None:
    assert units.milliseconds(text) == ms
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "size", "offset"),
    [
        ("0", 0, 0),
        ("10", 10, 10),
        ("4k", 4096, 4096),
        ("1M", 1 << 20, 1 << 20),
        ("2g", None, 2 << 30),
        ("", None, None),
        ("k", None, None),
        ("1kk", None, None),
        ("-1", None, None),
        ("٣k", None, None),
        (str(MAX), MAX, MAX),
        (f"{MAX}k", None, None),
    ],
)
def test_sizes(text: str, size: int | None, offset: int | None) -> None:
    assert units.size(text) == size
    assert units.offset(text) == offset


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        (str(MAX), MAX),
        (str(MAX + 1), None),
        ("9" * 5000, None),
        ("", None),
        ("+1", None),
    ],
)
def test_numbers(text: str, number: int | None) -> None:
    assert units.number(text) == number
