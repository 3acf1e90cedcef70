"""Looks for configurations that break their reader, led by coverage.

`python fuzz/conf.py CORPUS… -max_total_time=60`: the options are libFuzzer's.
"""

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests/conf"))
with atheris.instrument_imports(include=["surehop.conf", "surehop.plan"]):
    import any_bytes

    from surehop.conf.table import TABLE

_WORDS = ("on", "off", "{ }", ";", "$1", "${uri}", "127.0.0.1:80", "unix:/x", "~ ^/", "10m", "=502")

with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
    words.writelines(f'"{word}"\n' for word in (*_WORDS, *TABLE))
    words.flush()
    atheris.Setup([*sys.argv, f"-dict={words.name}"], any_bytes.check)
    atheris.Fuzz()
