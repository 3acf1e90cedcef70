"""Every failed try as a table."""

from pathlib import Path

import pytest
from log_lines import SAMPLES

from missing import missing
from surehop.cli.main import main

try:
    from pyarrow import parquet
except ImportError:
    parquet = None


def test_every_failed_try_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if parquet is None:
        missing("pyarrow")
    log = tmp_path / "error.log"
    log.write_bytes(SAMPLES[0] * 1000)

    main(["doctor", "--parquet", str(tmp_path / "out"), "--fail-on", "never", str(log)])

    table = parquet.read_table(tmp_path / "out/failures.parquet")
    assert table.num_rows == 3000  # each but `disabled`, which is no try
    first, *_ = table.to_pylist()
    assert (first["peer"], first["reason"], first["errno"]) == ("[::1]:3", "refused", 111)
    assert first["at"].isoformat() == "2026-01-05T10:00:00+00:00"
    assert (first["line"], first["method"], first["write"]) == (1, "POST", True)
    assert "failures.parquet: 3000 failed tries" in capsys.readouterr().err


def test_a_log_without_failures_is_an_empty_table(tmp_path: Path) -> None:
    if parquet is None:
        missing("pyarrow")
    log = tmp_path / "error.log"
    log.write_text("2026/01/05 10:00:00 [notice] 1#1: nginx/1.25.3\n")

    main(["doctor", "--parquet", str(tmp_path), str(log)])

    assert parquet.read_table(tmp_path / "failures.parquet").num_rows == 0
