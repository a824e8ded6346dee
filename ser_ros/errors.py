"""The error that reaches a person: one clear sentence, never a traceback."""

from __future__ import annotations

import errno
import os

UNWRITABLE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a write can meet at any time, wherever it goes."""

WHAT_TO_DO = {
    errno.ENOSPC: "free some space on its disk",
    errno.EDQUOT: "free some of your quota on its disk",
    errno.EROFS: "its disk is read-only, so choose another place",
    errno.EACCES: "get the right to write there or choose another place",
    errno.EPERM: "get the right to write there or choose another place",
    errno.EEXIST: "a file stands where a folder should be, so choose another place",
    errno.ENOTDIR: "a file stands where a folder should be, so choose another place",
    errno.EISDIR: "that is a folder, so name a file",
    errno.ENOENT: "the folder it should lie in does not exist, so make it or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""Why the system refuses to write → what the person can do about it."""


class UserError(Exception):
    """Bad input from outside: a file, a topic, a parameter, a missing package.

    The message is one sentence that names the thing that is wrong and what to do.
    The command line prints it and exits with 2; the nodes put it into diagnostics.
    """


def cannot_write(path: str | os.PathLike[str], error: OSError, kept: str = "") -> UserError:
    """The sentence for a file or folder that the system refuses to write.

    Args:
        path: what should have been written, as the person knows it.
        error: the refusal.
        kept: what is not lost and how to go on, added to the advice; "" says nothing.
    """
    if error.errno is None:  # a library's own, which says everything in its message
        return UserError(f"cannot write {path}: {error}")
    parts = [WHAT_TO_DO.get(error.errno, "choose another place"), kept]
    return UserError(f"cannot write {path}: {os.strerror(error.errno)}; {'; '.join(filter(None, parts))}")


def no_room(path: str | os.PathLike[str], kept: str = "") -> UserError:
    """`cannot_write` where a library says in its own way that the disk is full."""
    return cannot_write(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), kept)
