"""A lock between processes: whoever holds it works alone, and it is free again when its holder was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_ros.errors import UserError, cannot_write

_held: set[int] = set()


def _let_go() -> None:
    """A forked data loader outlives its killed parent by seconds and must not hold the lock so long."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def locked(path: Path, busy: str = "") -> Iterator[int]:
    """Hold the lock of a file or folder while the block runs; what it contains does not matter.

    Args:
        path: a folder that is there, or a file; that and its folder are made where they are not there.
        busy: what the error says where another process holds it; "" waits until that one ends.

    Yields:
        A descriptor: a program that inherits it (`pass_fds`) keeps the lock after this process.

    Raises:
        UserError: another process holds it, or it cannot be written or locked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise cannot_write(error.filename or path, error) from None
    _held.add(descriptor)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise UserError(busy) from None
        except OSError as error:  # a network disk that has no locks
            raise cannot_write(path, error) from None
        yield descriptor
    finally:
        if descriptor in _held:  # not in a forked process
            _held.remove(descriptor)
            os.close(descriptor)
