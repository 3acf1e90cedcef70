"""`user` -> the ids that the data process runs under."""

import grp
import pwd
from dataclasses import dataclass

from surehop.conf.model import User
from surehop.errors import StartError

_NOBODY = "nobody"  # who nginx runs as when the file doesn't say


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    uid: int
    gid: int


def identity(user: User | None) -> Identity:
    """Look up the user and group; without `group` nginx takes the group of the user's name.

    Raises ConfigError for those that don't exist.
    """
    if user is None:
        try:
            account = pwd.getpwnam(_NOBODY)
        except KeyError:
            hint = "name an account with `user NAME;`"
            raise StartError("there is no account `nobody` to run as", hint=hint) from None
        return Identity(account.pw_name, account.pw_uid, account.pw_gid)
    account = _account(user)
    group_name = user.group or user.name
    try:
        group = grp.getgrnam(group_name)
    except KeyError:
        advice = None if user.group else f"write `user {user.name} GROUP;`"
        raise user.where.fail(f'getgrnam("{group_name}") failed', hint=advice) from None
    return Identity(account.pw_name, account.pw_uid, group.gr_gid)


def _account(user: User) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user.name)
    except KeyError:
        raise user.where.fail(f'getpwnam("{user.name}") failed') from None
