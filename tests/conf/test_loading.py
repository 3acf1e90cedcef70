from pathlib import Path

import pytest

from surehop.conf.loading import load, loads
from surehop.errors import ConfigError, ConfigErrors


def test_a_file_under_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "nginx.conf").write_bytes(b"events {}\nhttp { include *.inc; }\n")
    (tmp_path / "conf" / "b.inc").write_text("server { listen 81; }")
    (tmp_path / "conf" / "a.inc").write_text("server { listen 80; }")

    model = load("conf/nginx.conf", prefix=tmp_path)

    assert model.file == str(tmp_path / "conf" / "nginx.conf")
    assert model.prefix == str(tmp_path)
    assert [server.listens[0].address.port for server in model.servers] == [80, 81]
    assert load(tmp_path / "conf" / "nginx.conf", prefix="/elsewhere").servers == model.servers


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load("nginx.conf", prefix=tmp_path)

    path = tmp_path / "nginx.conf"
    assert caught.value.message == f'open() "{path}" failed (2: No such file or directory)'


def test_the_group_of_errors_speaks_for_the_first(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("a;\nb;\n")
    with pytest.raises(ConfigError) as caught:
        load("nginx.conf", prefix=tmp_path)

    assert (caught.value.message, caught.value.line) == ('unknown directive "a"', 1)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("privileged", [True, False])
def test_an_ordinary_user_can_not_run_as_another(privileged: bool) -> None:
    text = b"worker_processes 1;\nuser nobody;\nevents {}\n"

    model = loads(text, file="/n.conf", prefix="/srv", privileged=privileged)

    ignored = (
        'the "user" directive makes sense only if the master process runs with super-user '
        "privileges, ignored in /n.conf:2"
    )
    assert [str(warning) for warning in model.warnings] == ([] if privileged else [ignored])
