"""The file: killed, old, foreign, full, read while written, saved and loaded."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.schema import APPLICATION_ID, MIGRATIONS, TABLES, VERSION
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.world_graph import to_json
from tests.graph.memory_scenes import SECOND, pose, seen

WRITER = """
import sys, time
from dataclasses import replace
from ser_ros.graph.memory import Memory, MemoryConfig, Observation
from ser_ros.graph.triples import SceneObject, SceneTriples, Span

path, first = sys.argv[1], int(sys.argv[2])
memory = Memory.open(path, MemoryConfig(robot="writer"))
for number in range(first, first + 100000):
    chair = SceneObject(0, "chair", "chair", "chair", None, (), Span(2, 7))
    memory.observe(Observation(number * 10**9, "front", SceneTriples(f"a chair {number}", (chair,))))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def write_and_kill(path: Path, images: int) -> int:
    """Leave a memory as a process that was killed while writing does, its log beside it; the last it told."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "1"], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(images)][-1]
        writer.send_signal(signal.SIGKILL)
    assert Path(f"{path}-wal").stat().st_size > 0
    return told


def test_fifty_kills_lose_nothing_that_was_observed(tmp_path: Path) -> None:
    path, chance, first = tmp_path / "memory.db", random.Random(7), 1
    for _ in range(50):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            first = int(writer.stdout.readline())
            time.sleep(chance.uniform(0.0, 0.05))
            writer.send_signal(signal.SIGKILL)
            told = [int(line) for line in writer.stdout if line.endswith("\n")]
        last = max(told, default=first)
        with Memory.open(path, MemoryConfig(robot="writer")) as memory:
            assert memory.store.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert memory.store.db.execute("PRAGMA foreign_key_check").fetchall() == []
            times, newest = memory.store.db.execute(
                "SELECT sum(times_seen), max(last_seen) FROM object"
            ).fetchone()
        # At most the one whose line was not written any more is more than told.
        assert newest // SECOND in (last, last + 1)
        assert times == newest // SECOND
        first = newest // SECOND + 1
    assert first > 100


def test_a_reader_sees_what_the_writer_has_written(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as writer:
        writer.observe(seen("a red chair"))
        with Memory.open(path, read_only=True) as reader:
            assert reader.query("where is the chair").matches
            writer.observe(seen("a dog on a rug", 1))
            assert reader.query("where is the dog").matches[0].relation == "on the rug"
            with pytest.raises(UserError, match="read only"):
                reader.observe(seen("a cat", 2))


def test_a_reader_waits_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as writer, Memory.open(path, read_only=True) as reader:
        writer.observe(seen("a red chair"))
        with writer.store.transaction():
            start = time.monotonic()
            assert reader.query("where is the chair").matches
            assert time.monotonic() - start < 4.0


def test_a_reader_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as writer:
        writer.observe(seen("a red chair"))
    before = path.read_bytes(), path.stat().st_mtime_ns
    for _ in range(2):
        with Memory.open(path, read_only=True) as reader:
            assert reader.query("where is the chair").matches
        assert list(tmp_path.iterdir()) == [path]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_reader_finds_what_a_killed_writer_wrote(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    told = write_and_kill(path, 5)
    with Memory.open(path, read_only=True) as reader:
        assert reader.query("chair").matches[0].times_seen >= told
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_copy_is_not_mixed_with_the_log_of_what_lay_there(tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    write_and_kill(path, 200)
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair"))
        memory.save(path)
        saved = to_json(memory.to_networkx())
    with Memory.open(path) as copy:
        assert copy.store.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert to_json(copy.to_networkx()) == saved


def test_a_log_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    Memory.open(path).close()
    Path(f"{path}-wal").mkdir()  # as where another user's node writes, unreadable for us
    with pytest.raises(UserError, match="log that cannot be read"):
        Memory.open(path, read_only=True)


def test_an_old_file_is_upgraded_with_its_content(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(tmp_path / "new.db") as memory:
        memory.observe(seen("a red chair"))
    old = sqlite3.connect(path)
    old.executescript(MIGRATIONS[0])
    old.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1")
    old.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
    for table in (*TABLES, "meta"):
        columns = ", ".join(f'"{row[1]}"' for row in old.execute(f"PRAGMA main.table_info({table})"))
        if not columns:  # a younger table
            continue
        old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    old.commit()
    old.close()
    with pytest.raises(UserError, match="memory upgrade"):
        Memory.open(path, read_only=True)
    with Memory.open(path) as memory:
        assert memory.store.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert memory.query("where is the red chair").matches[0].score > 0.9


def test_every_version_leads_to_the_same_tables(tmp_path: Path) -> None:
    def tables(path: Path) -> list[str]:
        db = sqlite3.connect(path)
        rows = [str(sql) for (sql,) in db.execute("SELECT sql FROM sqlite_master ORDER BY name")]
        db.close()
        return rows

    Store(tmp_path / "new.db").close()
    for version in range(1, VERSION):
        path = tmp_path / f"{version}.db"
        db = sqlite3.connect(path)
        db.executescript("".join(MIGRATIONS[:version]))
        db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}")
        db.close()
        Store(path).close()
        assert tables(path) == tables(tmp_path / "new.db")


def test_files_that_are_no_memory_are_refused_by_name(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "notes.txt", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("no database, " * 100)
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (x)")
    db.close()
    Store(newer).close()
    db = sqlite3.connect(newer)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    for read_only in (False, True):
        for path, reason in ((text, "cannot open"), (other, "is not a memory"), (newer, "update ser_ros")):
            with pytest.raises(UserError, match=reason) as caught:
                Memory.open(path, read_only=read_only)
            assert path.name in str(caught.value)
        with pytest.raises(UserError, match="is a folder"):
            Memory.open(tmp_path, read_only=read_only)
    with pytest.raises(UserError, match="there is no memory"):
        Memory.open(tmp_path / "none.db", read_only=True)
    assert text.read_text() == "no database, " * 100


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        memory.observe([seen("a chair", i, pose(10.0 * i)) for i in range(200)])
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + os.urandom(4000) + whole[4100:])
    with pytest.raises(UserError, match=r"memory\.db"):
        Memory.open(path)


def test_a_file_that_is_damaged_while_it_is_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        memory.observe([seen("a red chair", i, pose(10.0 * i)) for i in range(200)])
        memory.save(tmp_path / "saved.db")
        memory.store.db.executescript("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 1")
        memory.store.db.execute("PRAGMA shrink_memory")
        whole = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(os.urandom(len(whole) - 8192))
        for use in (
            lambda: memory.query("where is the chair"),
            lambda: memory.observe(seen("a dog", 1000)),
            lambda: memory.announce(seen("a dog", 1000).stamp_ns),
            memory.to_networkx,
            memory.counts,
            memory.clear,
        ):
            with pytest.raises(UserError, match=r"memory\.db is damaged .* move it away"):
                use()


def test_save_load_and_clear(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair"))
        before = to_json(memory.to_networkx())
        memory.save(tmp_path / "saves" / "one.db")
        memory.observe(seen("a dog", 1))
        memory.clear()
        assert memory.counts()["objects"] == 0
        assert memory.query("where is the chair").matches == ()
        memory.load(tmp_path / "saves" / "one.db")
        assert to_json(memory.to_networkx()) == before
        assert memory.query("where is the chair").matches
        memory.observe(seen("a red chair and a cat", 2))
        assert memory.query("the chair").matches[0].times_seen == 2
        assert memory.query("the cat").matches
    with Memory.open(tmp_path / "memory.db", read_only=True) as memory:
        assert memory.query("the cat").matches


def test_a_memory_is_not_saved_onto_itself(tmp_path: Path) -> None:
    """It was, and all that it learned afterwards went into a file without a name."""
    (tmp_path / "link.db").symlink_to(tmp_path / "memory.db")
    with Memory.open(tmp_path / "memory.db") as memory:
        for path in (tmp_path / "memory.db", tmp_path / "link.db"):
            with pytest.raises(UserError, match="is the memory itself"):
                memory.save(path)
        with pytest.raises(UserError, match="is a folder"):
            memory.save(tmp_path)
        memory.observe(seen("a red chair"))
    with Memory.open(tmp_path / "memory.db", read_only=True) as memory:
        assert memory.query("the chair").matches


def test_a_failed_load_changes_nothing(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair"))
        for path in (tmp_path / "none.db", tmp_path):
            with pytest.raises(UserError):
                memory.load(path)
        assert memory.query("the chair").matches


def test_a_memory_belongs_to_one_frame(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair"))
    with pytest.raises(UserError, match="frame 'map', not 'odom'"):
        Memory.open(tmp_path / "memory.db", MemoryConfig(frame_id="odom"))


def test_other_radii_sort_an_old_file_anew(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair", 0, pose(40, 40)))
    with Memory.open(tmp_path / "memory.db", MemoryConfig(merge_radius=0.7, place_radius=0.3)) as memory:
        memory.observe(seen("a red chair", 1, pose(40, 40)))
        assert memory.counts()["objects"] == memory.counts()["places"] == 1


def test_a_loaded_memory_is_sorted_into_the_grid_of_these_radii(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair", 0, pose(40, 40)))
        memory.save(tmp_path / "saved.db")
    with Memory.open(config=MemoryConfig(merge_radius=0.7, place_radius=0.3)) as memory:
        memory.load(tmp_path / "saved.db")
        memory.observe(seen("a red chair", 1, pose(40, 40)))
        assert memory.counts()["objects"] == memory.counts()["places"] == 1
    with Memory.open(config=MemoryConfig(frame_id="odom")) as memory:
        memory.observe(seen("a dog", 0, pose(frame="odom")))
        with pytest.raises(UserError, match="frame 'map', not 'odom'"):
            memory.load(tmp_path / "saved.db")
        assert memory.query("the dog").matches


def test_a_cleared_memory_takes_the_frame_of_its_next_pose() -> None:
    with Memory.open() as memory:
        memory.observe(seen("a red chair", 0, pose(1, 2, frame="map")))
        memory.clear()
        memory.observe(seen("a dog", 1, pose(3, 4, frame="odom")))
        assert memory.query("the dog").matches[0].pose == pose(3, 4, frame="odom")


def test_a_locked_file_is_an_error_not_a_wait_for_ever(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory, Memory.open(tmp_path / "memory.db") as other:
        other.store.db.execute("PRAGMA busy_timeout = 50")
        with memory.store.transaction(), pytest.raises(UserError, match="locked"):
            other.observe(seen("a chair"))
        assert other.observe(seen("a chair")) == 1


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        broken = seen("a dog", 1)
        object.__setattr__(broken.triples.objects[0], "confidence", None)
        with pytest.raises(TypeError):
            memory.observe([seen("a red chair"), broken])
        assert memory.counts()["objects"] == 0
        assert memory.observe(seen("a red chair")) == 1


def test_two_runs_over_the_same_images_write_the_same_graph(tmp_path: Path) -> None:
    graphs = []
    for name in ("one.db", "two.db"):
        with Memory.open(tmp_path / name, MemoryConfig(robot="r")) as memory:
            memory.observe([seen("a red chair near a window", i, pose(0.7 * i)) for i in range(20)])
            graphs.append(to_json(memory.to_networkx()))
    assert graphs[0] == graphs[1]


def test_a_store_names_its_robot_once(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path) as memory:
        name = memory.store.meta("robot")
    with Memory.open(path) as memory:
        assert memory.store.meta("robot") == name
