"""Whom a client trusts over TLS, and who it says that it is: files, read once."""

import ssl
from pathlib import Path
from typing import TypeAlias

from surehop import _core

VerifyTypes: TypeAlias = bool | str | Path | None
CertTypes: TypeAlias = str | Path | tuple[str | Path, str | Path]
_PAIR, _WITH_PASSWORD = 2, 3


class Trust:
    """`verify` and `cert`. Given files are read at once, the system's roots when first needed."""

    def __init__(self, verify: object = True, cert: object = None) -> None:
        self._verify, self._roots = _read_verify(verify)
        self._chain, self._key = _read_cert(cert)
        self._tls: _core.Tls | None = None
        if self._roots is not None or self._chain is not None:
            self._tls = self._make()

    @property
    def tls(self) -> _core.Tls:
        if self._tls is None:
            self._tls = self._make()
        return self._tls

    def _make(self) -> _core.Tls:
        return _core.Tls(self._verify, self._roots, self._chain, self._key)


def _read_verify(verify: object) -> tuple[bool, list[bytes] | None]:
    if verify is None or isinstance(verify, bool):
        return verify is not False, None
    if isinstance(verify, ssl.SSLContext):
        raise TypeError(
            "`verify` can't be an `ssl.SSLContext`: TLS is not Python's `ssl` here\n"
            "hint: give the path of a PEM file with the roots, and `cert=` for a client certificate"
        )
    if not isinstance(verify, (str, Path)):
        raise TypeError(f"`verify` is True, False or a path, not `{verify!r}`")
    path = Path(verify)
    if path.is_dir():
        return True, [file.read_bytes() for file in sorted(path.iterdir()) if file.is_file()]
    return True, [_read("verify", path)]


def _read_cert(cert: object) -> tuple[bytes | None, bytes | None]:
    if cert is None:
        return None, None
    if isinstance(cert, (str, Path)):
        both = _read("cert", Path(cert))
        return both, both
    if not isinstance(cert, tuple) or len(cert) not in (_PAIR, _WITH_PASSWORD):
        raise TypeError("`cert` is a path, or `(certificate, key)`")
    if len(cert) == _WITH_PASSWORD and cert[2] is not None:
        raise ValueError(
            "`cert` with a password: an encrypted key can't be read\n"
            "hint: `openssl pkey -in KEY -out PLAIN` writes it plain"
        )
    return _read("cert", Path(cert[0])), _read("cert", Path(cert[1]))


def _read(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise type(error)(
            error.errno, f"`{option}` can't be read: {error.strerror}", str(path)
        ) from None
