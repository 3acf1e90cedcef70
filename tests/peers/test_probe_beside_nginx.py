"""The incidents as an operator has them: nginx runs, its log and its configuration are there, and
the backend may be asked.
"""

from pathlib import Path

from surehop.doctor import Asked, Confidence, Names, Options, Probing, Report, Severity, examine
from surehop.doctor.patching import diff_of
from surehop.lab.measure import Client
from surehop.lab.origins import Fault, Origin
from surehop.lab.subjects import Program, Subject
from surehop.plan.resolving import parse_overrides

RESOLVE = {"twohosts": ["127.0.0.1", "[::1]"]}
HTTP = """\
upstream app {{ server twohosts:{port}; }}
server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass http://app; }} }}
"""


def diagnosed(nginx: Program, origin: Origin, folder: Path, requests: int) -> Report:
    """Let nginx serve some requests, then ask the doctor, who has all there is."""
    http = HTTP.format(port=origin.port)
    with Subject(nginx, http, resolve=RESOLVE) as subject:
        with Client(subject.port) as client:
            for _ in range(requests):
                client.ask()
        conf = folder / "nginx.conf"
        conf.write_text(f"events {{}} http {{\n{http.replace('@PORT@', '80')}}}\n")
        names = Names(parse_overrides(["twohosts=127.0.0.1,[::1]"]), {}, ask=False)
        options = Options(names, probing=Probing(Asked(max_wait=5), servers=True))
        return examine([str(conf), str(subject.prefix / "logs/error.log")], options)


def test_the_first_incident(nginx: Program, tmp_path: Path) -> None:
    with Origin(keepalive_timeout=0) as origin:
        told = diagnosed(nginx, origin, tmp_path, requests=4)

    first = told.findings[0]
    assert (first.id, first.severity, first.confidence) == (
        "SH001",
        Severity.ERROR,
        Confidence.HIGH,
    )
    seen, logged = f"[::1]:{origin.port} refused", "connect() failed (111"
    assert any(quote.text.startswith(seen) for quote in first.quotes)
    assert any(logged in quote.text for quote in first.quotes)
    assert "+upstream app { server 127.0.0.1:" in diff_of(first, told.documents)


def test_the_third_incident(nginx: Program, tmp_path: Path) -> None:
    race = Fault("fin", nth=3, times=1)
    with Origin(keepalive_timeout=0.5, faults=[race]) as origin:
        told = diagnosed(nginx, origin, tmp_path, requests=6)

    ids = [each.id for each in told.findings]
    assert ids[0] == "SH001"
    assert {"SH001", "SH004", "SH006"} <= set(ids)
    proved = [each for each in told.findings if each.id == "SH006" and each.place]
    assert {each.severity for each in proved} == {Severity.ERROR}
    assert Confidence.HIGH in {each.confidence for each in proved}
