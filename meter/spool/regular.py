"""Opening what lies in the spool for reading: regular files and nothing else.

Whoever may write into the folder can put anything there under a segment's name. A FIFO would hold the reader, and with it the
ledger's lock, for ever; a link would show what only the reader may read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO opens at once, to be turned away
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> int:
    """Return a descriptor that reads the file. Raises OSError for what cannot be opened or is no regular file."""
    descriptor = os.open(path, _FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "no regular file", str(path))
