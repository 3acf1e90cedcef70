"""What must hold of any bytes that the doctor takes for a configuration.

Hypothesis looks for what breaks it in the tests, atheris under `make fuzz`.
"""

from pathlib import Path

from surehop.doctor import FORMATS, Names, Options, Report, examine, render
from surehop.doctor.patching import apply, settle
from surehop.errors import OptionError
from surehop.plan.resolving import parse_overrides

# Nobody is asked for other names.
_NAMES = Names(parse_overrides(["localhost=127.0.0.1,[::1]"]), {}, ask=False)
_OPTIONS = Options(_NAMES, (1, 31, 5))


def check(raw: bytes, folder: Path) -> bool:
    """Whether it is known for something: it is judged then, and the report can be written."""
    file = folder / "made-up"
    file.write_bytes(raw)
    try:
        report = examine([str(file)], _OPTIONS)
    except OptionError:
        return False
    _sound(report)
    for form in FORMATS:
        render(report, form).encode()
    return True


def _sound(report: Report) -> None:
    """Places and edits lie in the files; all fixes together can be made."""
    for finding in report.findings:
        assert finding.title
        place = finding.place
        if place is not None:
            raw = report.documents[place.file]
            assert 1 <= place.line <= raw.count(b"\n") + raw.count(b"\r") + 1
            assert place.column >= 1
        for edit in finding.fix:
            assert 0 <= edit.start <= edit.end <= len(report.documents[edit.file])
    edits, held = settle(report.findings)
    for file, some in edits.items():
        apply(report.documents[file], some)
    assert all(finding in report.findings for finding in held)
