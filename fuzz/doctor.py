"""Looks for configurations that break the doctor, led by coverage.

`python fuzz/doctor.py CORPUS… -max_total_time=60`: the options are libFuzzer's.
"""

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests/doctor"))
with atheris.instrument_imports(include=["surehop.doctor", "surehop.conf"]):
    import any_configuration

    from surehop.doctor.sources.nginx import PASSES

_WORDS = (
    *("upstream a {", "server {", "location / {", "keepalive 8;", "max_fails=0", "fail_timeout=1s"),
    *("server localhost:1;", "server [::1]:1 backup;", "resolver", "non_idempotent", "resolve"),
    *("backend a", "defaults", "timeout server 1s", "server a localhost:1 check", "retries 9"),
    "# surehop: ignore SH001",
)

with (
    tempfile.TemporaryDirectory() as name,
    tempfile.NamedTemporaryFile("w", suffix=".dict") as words,
):
    words.writelines(f'"{word}"\n' for word in (*_WORDS, *PASSES))
    words.flush()
    folder = Path(name)
    atheris.Setup([*sys.argv, f"-dict={words}"], lambda raw: any_configuration.check(raw, folder))
    atheris.Fuzz()
