"""Memory files that cannot be written: the reason in a sentence, and what they hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory
from tests.graph.memory_scenes import seen
from tests.read_only import needs_mounts, read_only

OPEN = """
import sys
from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory
from ser_ros.graph.memory.connection import NotWritable
try:
    Memory.open(sys.argv[1])
except NotWritable as error:
    print("readable:", error)
    print(Memory.open(sys.argv[1], read_only=True).query("where is the chair").speech)
except UserError as error:
    print(error)
"""


def open_read_only(mounted: Path, path: Path) -> str:
    command = [*read_only(mounted), sys.executable, "-c", OPEN, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs_mounts
def test_a_memory_that_cannot_be_written_says_why_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        memory.observe(seen("a red chair"))
    for mounted in (tmp_path, path):
        said, speech = open_read_only(mounted, path).splitlines()
        assert said == f"readable: cannot write the memory {path}: its disk is mounted read-only"
        assert speech.startswith("I last saw the red chair")
        assert list(tmp_path.iterdir()) == [path]


WATCH = """
import sys
from ser_ros.graph.memory import Memory
with Memory.open(sys.argv[1], read_only=True) as memory:
    for line in sys.stdin:
        print(memory.query(line).speech, flush=True)
"""


@needs_mounts
def test_a_reader_that_may_not_write_sees_what_another_process_begins_to_write(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        memory.observe(seen("a red chair"))
    command = [*read_only(path), sys.executable, "-c", WATCH, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def ask(question: str) -> str:
            print(question, file=reader.stdin, flush=True)
            return reader.stdout.readline()

        assert ask("where is the cup").startswith("I have not seen a cup")
        with Memory.open(path) as memory:
            memory.observe(seen("a blue cup", 1))
            assert ask("where is the cup").startswith("I last saw the blue cup")
        assert ask("where is the cup").startswith("I last saw the blue cup")


@needs_mounts
def test_a_memory_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    reason = f"cannot make the memory {path}: its disk is mounted read-only; give another path\n"
    assert open_read_only(tmp_path, path) == reason
    path.touch()
    assert open_read_only(tmp_path, path) == reason


def test_a_full_disk_is_called_so(small_disk: Callable[[str], Path]) -> None:
    path = small_disk("160k") / "memory.db"
    with pytest.raises(UserError, match=r"memory\.db: No space left on device; free some space on its disk"):
        Memory.open(path)
