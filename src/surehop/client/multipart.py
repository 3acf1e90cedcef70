"""`multipart/form-data` bodies (RFC 7578), streamed; urllib3 writes the heads of the parts."""

import mimetypes
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from urllib3.fields import RequestField

from surehop.client.content import (
    AsyncByteStream,
    Body,
    ByteStream,
    Data,
    FileBody,
    Files,
    FileTypes,
    SyncByteStream,
)
from surehop.client.headers import Headers
from surehop.client.params import text_of


def boundary_of(content_type: str | None) -> bytes | None:
    """The boundary that a Content-Type header asks for."""
    if not content_type or not content_type.startswith("multipart/form-data"):
        return None
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "boundary":
            return value.strip('"').encode()
    return None


def _head(field: RequestField) -> bytes:
    Headers({key: text or "" for key, text in field.headers.items()}, "utf-8")  # no line breaks
    return field.render_headers().encode()


def _plain_part(name: str, value: object) -> tuple[bytes, Body]:
    if not isinstance(name, str):
        raise TypeError(f"the name of a form field must be str, not `{type(name).__name__}`")
    if value is not None and not isinstance(value, (str, bytes, int, float)):
        seen = type(value).__name__
        raise TypeError(f"the value of form field `{name}` must be plain, not `{seen}`")
    field = RequestField(name, b"")
    field.make_multipart("form-data")
    return _head(field), ByteStream(value if isinstance(value, bytes) else text_of(value).encode())


def _file_part(name: str, value: FileTypes) -> tuple[bytes, Body]:
    filename: str | None
    given: Mapping[str, str] = {}
    content_type: str | None = None
    file: Any
    if isinstance(value, tuple):
        filename, file, *rest = value
        if rest:
            content_type = rest[0]  # type: ignore[assignment]
        if len(rest) > 1:
            given = rest[1]  # type: ignore[assignment]
    else:
        file = value
        filename = Path(str(getattr(file, "name", "upload"))).name
    if content_type is None and filename:
        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if any(key.lower() == "content-type" for key in given):
        content_type = None
    field = RequestField(name, b"", filename or None)
    field.make_multipart("form-data", content_type)
    field.headers.update(given)
    body: Body
    if isinstance(file, (str, bytes)):
        body = ByteStream(file.encode() if isinstance(file, str) else file)
    elif hasattr(file, "read"):
        body = FileBody(file, start=0)
    else:
        seen = type(file).__name__
        raise TypeError(f"file `{name}` must be bytes, str or a file opened as `rb`, not `{seen}`")
    return _head(field), body


class MultipartBody(SyncByteStream, AsyncByteStream):
    """Form fields and files; files are sent from their beginning. `length` is known if every
    file's is, and it can be begun again if every file can.
    """

    def __init__(self, data: Data, files: Files, boundary: bytes | None = None) -> None:
        self.boundary = boundary or os.urandom(16).hex().encode()
        self.content_type = f"multipart/form-data; boundary={self.boundary.decode('ascii')}"
        self._parts: list[tuple[bytes, Body]] = []
        for name, value in data.items():
            several = value if isinstance(value, (list, tuple)) else (value,)
            self._parts += [_plain_part(name, item) for item in several]
        pairs = files.items() if isinstance(files, Mapping) else files
        self._parts += [_file_part(name, value) for name, value in pairs]
        self.replayable = all(body.replayable for _, body in self._parts)
        lengths = [body.length for _, body in self._parts]
        around = 2 + len(self.boundary) + 2 + 2  # the line before a part, the break behind it
        length = around + sum(around + len(head) for head, _ in self._parts)
        self.length = None if None in lengths else length + sum(n or 0 for n in lengths)

    def __iter__(self) -> Iterator[bytes]:
        for head, body in self._parts:
            yield b"--%b\r\n%b" % (self.boundary, head)
            yield from body  # type: ignore[misc]  # every kind of part has `__iter__`
            yield b"\r\n"
        yield b"--%b--\r\n" % self.boundary

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
