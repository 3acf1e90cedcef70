"""From when until when a certificate holds: the one thing that `ssl` tells only of trusted ones."""

from datetime import UTC, datetime

_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17
_BEFORE_VALIDITY = 3  # serial number, algorithm, issuer
_LONG = 0x80
_CENTURY = 50  # RFC 5280: two digits below this are 20xx


def validity(der: bytes) -> tuple[int, int] | None:
    """Give the first and the last second, Unix time; None for what is no certificate."""
    try:
        body, _ = _inside(der, _SEQUENCE)
        signed, _ = _inside(body, _SEQUENCE)
        if signed[0] == _VERSION:
            signed = _behind(signed)
        for _ in range(_BEFORE_VALIDITY):
            signed = _behind(signed)
        times, _ = _inside(signed, _SEQUENCE)
        return _seconds(times), _seconds(_behind(times))
    except (ValueError, IndexError):
        return None


def _inside(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Give the content of the first element, and what is behind it. Raises ValueError."""
    if der[0] != tag:
        raise ValueError(f"not {tag:#x}")
    begin, length = 2, der[1]
    if length & _LONG:
        begin += length - _LONG
        length = int.from_bytes(der[2:begin], "big")
    return der[begin : begin + length], der[begin + length :]


def _behind(der: bytes) -> bytes:
    return _inside(der, der[0])[1]


def _seconds(der: bytes) -> int:
    text = _inside(der, der[0])[0].decode("ascii")
    if der[0] == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
