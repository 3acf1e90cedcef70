"""What the data process gives up before it hears the first client."""

import ctypes
import os

from surehop.plan.identity import Identity

_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_VERSION_3 = 0x20080522
_ROOT = 0


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


_Sets = ctypes.c_uint32 * 6  # effective, permitted and inheritable, 32 at a time


def drop_privileges(run_as: Identity | None) -> None:
    """Becomes `run_as`, holds no capability, and can't get any. Raises OSError.

    Whoever serves as root because the configuration says so (`user root`) keeps what root has.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if run_as is not None:
        # First, for it takes a capability; the kernel says where its list ends.
        capability = 0
        while libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
            capability += 1
        os.initgroups(run_as.name, run_as.gid)
        os.setgid(run_as.gid)
        os.setuid(run_as.uid)
    if os.geteuid() != _ROOT:
        # setuid has done this but for the inheritable ones; who came with some has them all.
        header = _Header(_CAPABILITIES_VERSION_3, 0)
        if libc.capset(ctypes.byref(header), ctypes.byref(_Sets())) != 0:
            raise OSError(ctypes.get_errno(), "capset")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
