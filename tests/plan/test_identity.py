import grp
import os
import pwd

import pytest

from surehop.conf.model import User, Where
from surehop.errors import ConfigError, StartError
from surehop.plan.identity import identity

WHERE = Where("n.conf", 3, 1)
ME = pwd.getpwuid(os.getuid())
MY_GROUP = grp.getgrgid(ME.pw_gid)


def test_a_user_and_a_group() -> None:
    found = identity(User(ME.pw_name, MY_GROUP.gr_name, WHERE))

    assert (found.name, found.uid, found.gid) == (ME.pw_name, ME.pw_uid, ME.pw_gid)


def test_no_such_user() -> None:
    with pytest.raises(ConfigError) as caught:
        identity(User("no such user", None, WHERE))

    assert str(caught.value) == 'getpwnam("no such user") failed in n.conf:3'


def test_no_such_group() -> None:
    with pytest.raises(ConfigError) as caught:
        identity(User(ME.pw_name, "no such group", WHERE))

    assert (caught.value.message, caught.value.hint) == ('getgrnam("no such group") failed', None)


def test_the_group_is_named_as_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def getgrnam(name: str) -> grp.struct_group:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", getgrnam)
    with pytest.raises(ConfigError) as caught:
        identity(User(ME.pw_name, None, WHERE))

    assert caught.value.message == f'getgrnam("{ME.pw_name}") failed'
    assert caught.value.hint == f"write `user {ME.pw_name} GROUP;`"


def test_nobody_runs_it_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getpwnam(name: str) -> pwd.struct_passwd:
        asked.append(name)
        if len(asked) > 1:
            raise KeyError(name)
        return ME

    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    assert identity(None).uid == ME.pw_uid
    with pytest.raises(StartError):
        identity(None)
    assert asked == ["nobody", "nobody"]
