"""The log goes into the file beside the updates."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from ser_ros.graph.memory import Memory, checkpoints
from tests.graph.memory_scenes import seen

WITHIN = 30.0  # seconds, on a busy machine


def objects_without_log(path: Path, copy: Path) -> int:
    """Objects in the file alone, as after its log was lost."""
    shutil.copy(path, copy)
    db = sqlite3.connect(copy)
    try:
        return int(db.execute("SELECT count(*) FROM object").fetchone()[0])
    except sqlite3.DatabaseError:  # copied in the middle of a checkpoint
        return 0
    finally:
        db.close()


def test_what_was_observed_reaches_the_file_while_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "PERIOD", 0.05)
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        memory.observe(seen("a red chair"))
        until = time.monotonic() + WITHIN
        while objects_without_log(path, tmp_path / "copy.db") == 0 and time.monotonic() < until:
            time.sleep(0.05)
        assert objects_without_log(path, tmp_path / "copy.db") == 1


def test_many_commits_do_not_wait_for_the_period(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        until = time.monotonic() + WITHIN
        second = 0
        while objects_without_log(path, tmp_path / "copy.db") == 0 and time.monotonic() < until:
            memory.observe([seen("a red chair", second)])
            second += 1
        assert objects_without_log(path, tmp_path / "copy.db") == 1


def test_a_closed_memory_leaves_no_thread_and_no_log(tmp_path: Path) -> None:
    path, before = tmp_path / "memory.db", set(threading.enumerate())
    with Memory.open(path) as memory:
        memory.observe(seen("a red chair"))
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before
    assert [file.name for file in tmp_path.iterdir()] == ["memory.db"]


def test_a_memory_in_ram_and_a_reader_need_no_checkpoints(tmp_path: Path) -> None:
    Memory.open(tmp_path / "memory.db").close()
    before = set(threading.enumerate())
    with Memory.open(), Memory.open(tmp_path / "memory.db", read_only=True):
        assert set(threading.enumerate()) <= before
