"""Liveness: a writer holds a shared lock on its segment for life, and the kernel lets go of it however the writer dies.

`flock` belongs to the open file, not to the process: it works between containers that share a volume, and a descriptor
closed elsewhere in the process does not drop it. Windows has none: there a reader asks for the process by its id.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def _load() -> Any:
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    return fcntl


fcntl = _load()

HIGH = 512
"""Numbers from here up are out of the way of hosts that close or reuse low ones."""


def share(descriptor: int) -> bool:
    """Take the writer's lock, without waiting. False when a reader holds the file just now."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: readers get the same answer, and ask for the process instead
        pass
    return True


def take(descriptor: int) -> bool | None:
    """Take the reader's lock, held until the descriptor is closed. None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def raise_high(descriptor: int) -> int:
    """Return a high number for the same open file, and close the low one; the low one where there is no room."""
    if fcntl is None:
        return descriptor
    for lowest in (HIGH, 128, 32):  # a process may be allowed fewer descriptors than that
        try:
            high: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
        os.close(descriptor)
        return high
    return descriptor


def flags(descriptor: int) -> int:
    """Return how an open file was opened; all flags where the system does not tell."""
    return -1 if fcntl is None else int(fcntl.fcntl(descriptor, fcntl.F_GETFL))


def is_alive(pid: int) -> bool:
    """Tell whether a process of this host lives. What cannot be told counts as alive: its segment is kept."""
    if sys.platform == "win32":  # pragma: no cover
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:  # pragma: no cover
    """Ask for a handle: there, os.kill with signal 0 would send Ctrl-C."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x0010_0000, False, pid)  # SYNCHRONIZE
    if not handle:
        return bool(kernel.GetLastError() == 5)  # ERROR_ACCESS_DENIED: it lives, and is not ours
    waiting = kernel.WaitForSingleObject(handle, 0) == 0x102  # WAIT_TIMEOUT: not ended
    kernel.CloseHandle(handle)
    return bool(waiting)
