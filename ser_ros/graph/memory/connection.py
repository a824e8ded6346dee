"""The connection to a memory file, or in one sentence why there is none."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ser_ros.errors import UserError, no_room

IN_MEMORY = ":memory:"


class NotWritable(UserError):
    """There is a memory, and this process cannot write it; reading it may still work."""


def connect(path: str) -> sqlite3.Connection:
    """A connection that writes, in autocommit; any thread may use it, one at a time.

    Args:
        path: the file, made where it is missing, or ":memory:".

    Raises:
        NotWritable: there is a file, and this process may not write it.
        UserError: the path is a folder, or its folder cannot be made.
        sqlite3.Error: see `opening_error`.
    """
    database = path
    if path != IN_MEMORY:
        file = absolute(path)
        if file.is_dir():
            raise UserError(f"the memory {file} is a folder; give the path of a file")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder of the memory {file}: {error.strerror}; give another path"
            ) from error
        if _holds_something(file) and (reason := _why_unwritable(file)):
            raise NotWritable(f"cannot write the memory {path}: {reason}")  # before SQLite makes a log for it
        database = str(file)
    db = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=5.0)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    # Only where the checkpointer cannot keep up: 64 MB of log.
    db.execute("PRAGMA wal_autocheckpoint = 16000")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -32768")
    db.execute("PRAGMA journal_size_limit = 16777216")
    return db


def connect_read_only(path: str) -> tuple[sqlite3.Connection, bool]:
    """A connection that only reads, also while another process writes the file.

    Returns:
        the connection, and whether it takes the file for one that nobody writes: see `is_written`.

    Raises:
        UserError: there is no such file, or this user may not read it or its log.
        sqlite3.Error: see `opening_error`.
    """
    file = absolute(path)
    if file.is_dir():
        raise UserError(f"the memory {file} is a folder; give the path of a file")
    if not file.is_file():
        raise UserError(f"there is no memory at {file}")
    if not os.access(file, os.R_OK):
        raise UserError(f"this user may not read the memory {file}; change its permissions")
    # A connection that could write, but for the pragma: SQLite lets the last one that closes the file
    # fold in the log and remove it, and one that could not would leave two empty files for ever.
    uri = file.as_uri()
    if not os.access(file, os.W_OK) and not is_written(path):
        return _connect_unchanging(uri), True  # else we would make both files and could not remove them
    db = sqlite3.connect(
        f"{uri}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    try:
        db.execute("PRAGMA query_only = ON")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if is_written(path):  # what is in the log must not be missed
            raise UserError(
                f"the memory {file} has a log that cannot be read ({error}): give this user permission to"
                f" read {file.name}-wal and {file.name}-shm, or close the memory where it is written"
            ) from error
        return _connect_unchanging(uri), True  # a folder we may not write: SQLite cannot make its -shm file
    db.row_factory = sqlite3.Row
    return db, False


def is_written(path: str) -> bool:
    """Whether a log lies beside the file: another process has it open to write, or was killed."""
    return Path(f"{absolute(path)}-wal").exists()


def _connect_unchanging(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
    )
    db.row_factory = sqlite3.Row
    return db


def opening_error(path: str, error: sqlite3.Error, *, read_only: bool) -> UserError:
    """What SQLite says of a file that it cannot open, in words that tell what to do."""
    if disk_is_full(error):
        return no_room(path)
    reason = "" if read_only or path == IN_MEMORY else _why_unwritable(absolute(path))
    if not reason:
        return UserError(f"cannot open the memory {path}: {error}; move it away or give another path")
    if _holds_something(absolute(path)):
        return NotWritable(f"cannot write the memory {path}: {reason}")
    return UserError(f"cannot make the memory {path}: {reason}; give another path")


def _holds_something(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def disk_is_full(error: BaseException | None) -> bool:
    """Whether SQLite found no room; afterwards the disk may have some, as it takes back what it wrote."""
    # SQLITE_FULL has this text; its code is on the error only from Python 3.11 on.
    return isinstance(error, sqlite3.OperationalError) and str(error) == "database or disk is full"


def absolute(path: str) -> Path:
    """The file at `path`, whose first part may be "~"."""
    return Path(path).expanduser().absolute()


def _why_unwritable(file: Path) -> str:
    """Why nothing can be written to a file, or to a new one of that name; "" when it can."""
    place = file if file.exists() else file.parent
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return "its disk is mounted read-only"
    if not os.access(place, os.W_OK):
        return f"this user may not write {'it' if place == file else f'to the folder {place}'}"
    if not os.access(file.parent, os.W_OK):
        return f"this user may not write its log to the folder {file.parent}"
    for log in (Path(f"{file}-wal"), Path(f"{file}-shm")):
        if log.exists() and not os.access(log, os.W_OK):
            return f"this user may not write its log {log}"
    return ""
