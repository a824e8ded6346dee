"""The write-ahead log, moved into the file beside the updates, so that none of them waits for the disk.

A checkpoint waits for the disk twice, 5 to 40 ms each. SQLite lets one connection do that while another
goes on writing.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

# A checkpoint comes so many seconds after a commit (what a power cut may lose), or after so many commits.
PERIOD = 5.0
COMMITS = 16
# A log this long, in pages, has had no pause to begin anew in; then the writer waits for a short checkpoint.
LONG = 4000


class Checkpointer:
    """A thread with a connection of its own; `close` it before the connection that writes.

    Args:
        path: a memory in WAL mode.
    Attributes:
        writing: held by whoever writes the file, so that a long log can be ended.
    """

    def __init__(self, path: Path):
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)
        self._db.execute("PRAGMA synchronous = NORMAL")
        self.writing = threading.Lock()
        self._changed = threading.Condition()
        self._commits, self._closed = 0, False
        # A daemon: a program that ends without closing its memory ends all the same.
        self._thread = threading.Thread(target=self._work, name="memory checkpoints", daemon=True)
        self._thread.start()

    def note_commit(self) -> None:
        """There is something new in the log."""
        with self._changed:
            self._commits += 1
            self._changed.notify()

    def close(self) -> None:
        """End the thread; who closes the file last folds the log in."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._db.close()

    def _work(self) -> None:
        while self._wait():
            # On a full disk the log keeps what cannot be moved; the writer says so, and of a damaged file.
            with suppress(sqlite3.DatabaseError):
                # Each time less was written meanwhile, so that little is left for the last.
                if all(self._checkpoint() >= LONG for _ in range(3)):
                    with self.writing:
                        self._checkpoint()

    def _checkpoint(self) -> int:
        """Move what is in the log now; returns its length in pages."""
        return int(self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])

    def _wait(self) -> bool:
        """Until a checkpoint is due; False when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._commits or self._closed)
            self._changed.wait_for(lambda: self._commits >= COMMITS or self._closed, PERIOD)
            self._commits = 0
            return not self._closed
