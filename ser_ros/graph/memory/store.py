"""The SQLite file of a memory: opened, upgraded, written in transactions, copied whole.

Write-ahead logging lets readers work while the node writes, and a killed process loses only the
transaction it was in. `synchronous=NORMAL` waits for the disk at checkpoints, not at each commit;
`Checkpointer` makes them beside the updates.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.graph.memory.checkpoints import Checkpointer
from ser_ros.graph.memory.connection import (
    IN_MEMORY,
    absolute,
    connect,
    connect_read_only,
    is_written,
    opening_error,
)
from ser_ros.graph.memory.schema import APPLICATION_ID, MIGRATIONS, TABLES, VERSION


class Store:
    """One open memory file.

    Attributes:
        path: the file, or ":memory:".
        read_only: nothing can be written; the file may be written by another process meanwhile.
        db: the connection, in autocommit; writes go through `transaction()`. Any thread may use it,
            one at a time.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False, robot: str = ""):
        """Open or create the file.

        Args:
            robot: name of this store among merged ones; a new file without one draws a random name.

        Raises:
            NotWritable: there is a memory that cannot be written (not read-only).
            UserError: no such file (read-only), no memory, a newer version, a locked or damaged file.
        """
        self.path = os.fspath(path)
        self.read_only = read_only
        self._checkpointer: Checkpointer | None = None
        self._unchanging = False
        try:
            if read_only:
                self.db, self._unchanging = connect_read_only(self.path)
            else:
                self.db = connect(self.path)
        except sqlite3.Error as error:
            raise opening_error(self.path, error, read_only=read_only) from error
        try:
            self._check_kind()
            if not read_only:
                self._upgrade()
                self._name(robot)
                self._try_to_write()
                if self.path != IN_MEMORY:
                    self._checkpointer = Checkpointer(absolute(self.path))
        except BaseException as error:
            self.db.close()
            if not isinstance(error, sqlite3.Error):
                raise
            raise opening_error(self.path, error, read_only=read_only) from error

    def close(self) -> None:
        """Close the file; its log is folded in by the last one who closes."""
        if self._checkpointer is not None:
            self._checkpointer.close()
            self._checkpointer = None
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All writes in the block, or none of them.

        Raises:
            UserError: the disk is full, the file is damaged, or locked by another writer for 5 s.
        """
        checkpointer = self._checkpointer
        pause = nullcontext() if checkpointer is None else checkpointer.writing
        with self._errors_named("write"), pause:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self.db.rollback()
                raise
        if checkpointer is not None:
            checkpointer.note_commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All reads in the block see one state, whatever another process writes meanwhile.

        Raises:
            UserError: the file is damaged.
        """
        with self._errors_named("read"):
            if self.db.in_transaction:
                yield self.db
                return
            if self._unchanging and is_written(self.path):  # somebody began to
                self.db.close()
                self.db, self._unchanging = connect_read_only(self.path)
            self.db.execute("BEGIN")
            try:
                yield self.db
            finally:
                self.db.rollback()

    @contextmanager
    def _errors_named(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UserError(f"cannot {verb} the memory {self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:  # such as IntegrityError: no damage but our mistake
                raise
            raise UserError(
                f"the memory {self.path} is damaged ({error}); move it away, a saved one can be loaded"
            ) from error

    @property
    def origin(self) -> int:
        """Row of the robot that writes this store."""
        return self.origin_id(self.meta("robot"))

    def origin_id(self, name: str) -> int:
        """Row of a robot's name, made where it is new."""
        self.db.execute("INSERT OR IGNORE INTO origin (name) VALUES (?)", (name,))
        return int(self.db.execute("SELECT id FROM origin WHERE name = ?", (name,)).fetchone()[0])

    def meta(self, key: str, default: str = "") -> str:
        """A value of the memory as a whole, such as its frame_id or robot."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Set a value of the memory as a whole."""
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    @property
    def size_bytes(self) -> int:
        """Bytes in use; the file keeps what was freed for new rows."""
        pages, free, size = (
            self.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def clear(self) -> None:
        """Forget everything, the frame too; the name of the robot stays."""
        with self.transaction() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")
            db.execute("DELETE FROM meta WHERE key = 'frame_id'")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copy the whole memory to `path`, which is either the old or the new copy at any moment.

        Raises:
            UserError: the copy cannot be written, or `path` is the memory itself.
        """
        target = Path(path)
        if target.is_dir():
            raise UserError(f"cannot save the memory to {target}: it is a folder; give the path of a file")
        # The copy would take the name from the open file: what is learned from then on would be lost.
        if self.path != IN_MEMORY and target.exists() and target.samefile(absolute(self.path)):
            raise UserError(f"{target} is the memory itself, which is saved all the time; give another path")
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            copy = sqlite3.connect(draft)
            try:
                self.db.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
            with draft.open("rb+") as written:
                os.fsync(written.fileno())
            put_in_place(draft, target)
        except (sqlite3.Error, OSError) as error:
            draft.unlink(missing_ok=True)
            raise UserError(f"cannot save the memory to {target}: {error}") from error

    def load(self, path: str | os.PathLike[str]) -> None:
        """Replace everything with the memory saved at `path`; unchanged when that fails.

        Raises:
            UserError: the file is missing, damaged, newer, or no memory.
        """
        saved = Store(path, read_only=True)
        try:
            saved.db.backup(self.db)
            self.db.execute("PRAGMA journal_mode = WAL")
            self._upgrade()
        except sqlite3.Error as error:
            raise UserError(f"cannot load the memory {path}: {error}") from error
        finally:
            saved.close()

    def _check_kind(self) -> None:
        kind = self.db.execute("PRAGMA application_id").fetchone()[0]
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        tables = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (tables or self.read_only) and kind != APPLICATION_ID:
            raise UserError(f"{self.path} is not a memory of ser_ros; give another path")
        if version > VERSION:
            raise UserError(
                f"the memory {self.path} has version {version}, this ser_ros reads up to {VERSION};"
                " update ser_ros"
            )
        if self.read_only and version < VERSION:
            raise UserError(
                f"the memory {self.path} has the old version {version};"
                f" `ser_ros memory upgrade {self.path}` renews it"
            )

    def _upgrade(self) -> None:
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            # In one transaction with its number: a kill leaves the old version or the new one.
            self.db.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {script} "
                f"PRAGMA user_version = {number}; COMMIT;"
            )

    def _try_to_write(self) -> None:
        """Fail now rather than with the first image."""
        self.db.execute("BEGIN IMMEDIATE")  # which SQLite does on a read-only file as well
        self.db.execute("UPDATE meta SET value = value")
        self.db.rollback()

    def _name(self, robot: str) -> None:
        if robot and self.meta("robot") != robot:
            self.set_meta("robot", robot)
        elif not self.meta("robot"):
            self.set_meta("robot", f"robot-{uuid.uuid4().hex[:12]}")


def put_in_place(draft: Path, target: Path) -> None:
    """Move a closed database to `target`; the log that a killed process left beside an older file there
    would be played into the new one (https://sqlite.org/howtocorrupt.html, section 1.4)."""
    for log in (Path(f"{target}-wal"), Path(f"{target}-shm")):
        log.unlink(missing_ok=True)
    draft.replace(target)
