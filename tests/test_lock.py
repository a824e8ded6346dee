"""The lock between processes: refused or waited for, passed on to a child program, free after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_ros.errors import UserError
from ser_ros.lock import locked

HOLD = """
import os, subprocess, sys, time
from pathlib import Path
from ser_ros.lock import locked
with locked(Path(sys.argv[1])) as lock:
    child = 0
    if sys.argv[2] == "fork" and os.fork():
        time.sleep(60)
    elif sys.argv[2] == "fork":
        child = os.getpid()  # told by itself: it has begun
    elif sys.argv[2] == "program":
        child = subprocess.Popen(["sleep", "60"], pass_fds=(lock,), stdout=subprocess.DEVNULL).pid
    print(child, flush=True)
    time.sleep(60)
"""


def start(path: Path, child: str) -> subprocess.Popen:
    """A process that takes the lock and then names its child of that kind."""
    return subprocess.Popen([sys.executable, "-c", HOLD, str(path), child], stdout=subprocess.PIPE, text=True)


def child_of(holder: subprocess.Popen) -> int:
    """Waits until it holds the lock."""
    assert holder.stdout
    return int(holder.stdout.readline())


def kill(holder: subprocess.Popen) -> None:
    holder.kill()
    holder.wait()
    assert holder.stdout
    holder.stdout.close()


def is_free(path: Path) -> bool:
    try:
        with locked(path, "taken"):
            return True
    except UserError:
        return False


def test_one_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    holder = start(path, "none")
    child_of(holder)
    assert not is_free(path)
    kill(holder)
    assert is_free(path)


def test_a_fork_does_not_outlive_its_parent_with_the_lock(tmp_path: Path) -> None:
    holder = start(tmp_path / "lock", "fork")
    child = child_of(holder)
    assert not is_free(tmp_path / "lock")
    kill(holder)
    assert is_free(tmp_path / "lock")
    os.kill(child, signal.SIGKILL)


def test_a_program_that_inherits_it_keeps_it(tmp_path: Path) -> None:
    holder = start(tmp_path / "lock", "program")
    child = child_of(holder)
    kill(holder)
    assert not is_free(tmp_path / "lock")
    os.kill(child, signal.SIGKILL)
    with locked(tmp_path / "lock"):  # waits until it is gone
        pass


def test_without_a_sentence_it_waits(tmp_path: Path) -> None:
    first = start(tmp_path / "lock", "none")
    child_of(first)
    second = start(tmp_path / "lock", "none")
    time.sleep(0.5)
    assert second.poll() is None
    kill(first)
    assert child_of(second) == 0
    kill(second)


def test_a_place_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    says = f"cannot write {tmp_path}/file: File exists; a file stands"
    with pytest.raises(UserError, match=says), locked(tmp_path / "file" / "lock"):
        pass
