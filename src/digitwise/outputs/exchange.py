"""Exchanging two folders in one step, where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Any

HERE = -100  # AT_FDCWD of Linux
LINUX_EXCHANGE, MACOS_SWAP = 2, 2
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
CANNOT |= {errno.EPERM}  # what older containers answer to a call that they do not know


def exchange(one: Path, other: Path) -> bool:
    """Exchange what lies in two places; False where this system or disk cannot.

    Raises
    ------
    OSError
        If it can, and it fails.

    References
    ----------
    renameat2(2) of Linux, with RENAME_EXCHANGE; renamex_np(2) of macOS, with RENAME_SWAP.
    """
    library: Any = None if sys.platform == "win32" else ctypes.CDLL(None, use_errno=True)
    a, b = os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):
        failed = library.renameat2(HERE, a, HERE, b, LINUX_EXCHANGE)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(a, b, MACOS_SWAP)
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))
