"""Every failed try of the logs as a table that other programs can ask: Parquet."""

import io
from pathlib import Path
from typing import Any

from surehop.errors import OptionError

FILE = "failures.parquet"
_TEXTS = ("file", "software", "word", "peer", "phase", "cause", "reason", "method", "upstream")


class Failures:
    """Writes `failures.parquet` into a folder, in bounded memory. Raises OptionError."""

    def __init__(self, folder: Path) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 (it is an extra)
            from pyarrow import json, parquet  # noqa: PLC0415
        except ImportError:
            hint = "pip install 'surehop[parquet]'"
            raise OptionError("`--parquet` needs pyarrow", hint=hint) from None
        self._read = json.read_json
        self._options = json.ParseOptions(_schema(pa), unexpected_field_behavior="ignore")
        self._moment = pa.timestamp("ms", tz="UTC")
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        except OSError as error:
            why = (error.strerror or "error").lower()
            raise OptionError(f"`{self.path}` can't be written: {why}") from None
        first = self._table(b"{}\n").slice(0, 0)
        self._writer = parquet.ParquetWriter(self._file, first.schema, compression="zstd")
        self.count = 0

    def add(self, rows: bytes) -> None:
        """Take failed tries as the digest gives them."""
        table = self._table(rows)
        self._writer.write_table(table)
        self.count += table.num_rows

    def close(self) -> None:
        self._writer.close()
        self._file.close()

    def _table(self, rows: bytes) -> Any:
        table = self._read(io.BytesIO(rows), parse_options=self._options)
        return table.set_column(0, "at", table["at_ms"].cast(self._moment))


def _schema(pa: Any) -> Any:
    numbers = {"errno": pa.int32(), "status": pa.uint16(), "tries": pa.uint8()}
    wide = dict.fromkeys(("line", "connection", "idle_ms", "age_ms"), pa.uint64())
    truths = dict.fromkeys(("write", "reused"), pa.bool_())
    texts = dict.fromkeys((*_TEXTS, "text"), pa.string())
    return pa.schema({"at_ms": pa.int64(), **texts, **numbers, **wide, **truths})
