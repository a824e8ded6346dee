"""Every kind of recording gives the same messages, and a broken one gives what it still holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from ser_ros.errors import UserError
from ser_ros.replay.bag import Bag, storage_files
from ser_ros.replay.topics import Topic, full_type_name
from tests.replay.bags import write_rosbag1, write_rosbag2

TOPIC = "/camera/image_raw"


def reds(path: Path) -> list[int]:
    """Red value of each image's first pixel, for telling the pictures apart."""
    with Bag(path) as bag:
        return [int(item.message.data[0]) for item in bag.messages([TOPIC])]


def compress_mcap(path: Path) -> Path:
    """Turn a bag into what `ros2 bag record -s mcap --compression-mode file` writes."""
    plain = path / "bag.mcap"
    (path / "bag.mcap.zstd").write_bytes(zstandard.ZstdCompressor().compress(plain.read_bytes()))
    plain.unlink()
    metadata = (path / "metadata.yaml").read_text().replace("bag.mcap", "bag.mcap.zstd")
    metadata = metadata.replace("compression_format: ''", "compression_format: zstd")
    (path / "metadata.yaml").write_text(metadata.replace("compression_mode: ''", "compression_mode: FILE"))
    return path


@pytest.mark.parametrize("storage", list(StoragePlugin))
@pytest.mark.parametrize("compression", [None, CompressionMode.FILE, CompressionMode.MESSAGE])
def test_reads_rosbag2_in_every_storage_and_compression(tmp_path, storage, compression):
    if storage is StoragePlugin.MCAP and compression is CompressionMode.FILE:
        path = compress_mcap(write_rosbag2(tmp_path / "bag"))  # rosbags cannot write it, rosbag2 can
    else:
        path = write_rosbag2(tmp_path / "bag", storage=storage, compression=compression)
    assert reds(path) == [200, 30, 30, 200]


def test_reads_rosbag1(tmp_path):
    path = write_rosbag1(tmp_path / "old.bag")
    with Bag(path) as bag:
        assert bag.topics[TOPIC] == Topic("sensor_msgs/msg/Image", 4)
    assert reds(path) == [200, 30, 30, 200]


def test_reads_a_storage_file_alone(tmp_path):
    path = write_rosbag2(tmp_path / "bag")
    assert reds(path / "bag.mcap") == [200, 30, 30, 200]


def test_a_rosbag2_folder_may_be_called_dot_bag(tmp_path):
    assert reds(write_rosbag2(tmp_path / "kitchen.bag")) == [200, 30, 30, 200]


def test_message_compressed_payloads_are_known_without_metadata(tmp_path):
    path = write_rosbag2(tmp_path / "bag", storage=StoragePlugin.SQLITE3, compression=CompressionMode.MESSAGE)
    (path / "metadata.yaml").unlink()
    assert reds(path) == [200, 30, 30, 200]


def test_split_parts_follow_their_numbers(tmp_path):
    for name in ("run_10.mcap", "run_2.mcap", "run_0.mcap", "notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in storage_files(tmp_path)] == ["run_0.mcap", "run_2.mcap", "run_10.mcap"]


@pytest.mark.parametrize("storage", list(StoragePlugin))
def test_unfinished_recording_gives_what_its_files_hold(tmp_path, storage):
    path = write_rosbag2(tmp_path / "bag", storage=storage)
    (path / "metadata.yaml").unlink()
    with Bag(path) as bag:
        assert len(list(bag.messages([TOPIC]))) == 4
        assert "was not finished" in bag.warnings[0]


@pytest.mark.parametrize("storage", list(StoragePlugin))
def test_unfinished_recording_of_compressed_files_is_unpacked(tmp_path, storage):
    if storage is StoragePlugin.MCAP:
        path = compress_mcap(write_rosbag2(tmp_path / "bag"))
    else:
        path = write_rosbag2(tmp_path / "bag", storage=storage, compression=CompressionMode.FILE)
    (path / "metadata.yaml").unlink()
    assert reds(path) == [200, 30, 30, 200]
    assert [file.name.endswith(".zstd") for file in storage_files(path)] == [True]


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_mcap_cut_by_a_kill_is_read_up_to_the_break(tmp_path, kept):
    path = write_rosbag2(tmp_path / "bag", frames=400)
    (path / "metadata.yaml").unlink()
    file = path / "bag.mcap"
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data))])
    with Bag(path) as bag:
        found = [item for item in bag.messages([TOPIC]) if item.message is not None]
        assert 100 <= len(found) < 400  # whole chunks of 1 MB, the broken one is lost
        assert any("is incomplete" in warning for warning in bag.warnings)


def test_sqlite_cut_by_a_full_disk_is_read_up_to_the_break(tmp_path):
    path = write_rosbag2(tmp_path / "bag", frames=400, storage=StoragePlugin.SQLITE3)
    file = path / "bag.db3"
    os.truncate(file, file.stat().st_size // 2)
    with Bag(path) as bag:
        found = [item for item in bag.messages([TOPIC]) if item.message is not None]
        assert 150 <= len(found) < 250
        assert bag.topics[TOPIC].count == pytest.approx(len(found), abs=1)
        assert any("is incomplete" in warning for warning in bag.warnings)


@pytest.mark.parametrize("journal", ["MEMORY", "WAL"])
def test_sqlite_of_a_killed_recorder_gives_what_was_committed(tmp_path, journal):
    """rosbag2 keeps its journal in memory, or in a write-ahead log with the `resilient` preset."""
    whole = write_rosbag2(tmp_path / "whole", frames=6, storage=StoragePlugin.SQLITE3) / "whole.db3"
    (tmp_path / "bag").mkdir()
    script = f"""
import os, signal, sqlite3
with sqlite3.connect({str(whole)!r}) as done:
    statements = list(done.iterdump())
rows = [s for s in statements if s.startswith('INSERT INTO "messages"')]
database = sqlite3.connect({str(tmp_path / "bag" / "bag_0.db3")!r}, isolation_level=None)
database.execute("PRAGMA journal_mode={journal}")
database.executescript("".join(s for s in statements if s not in rows))
database.execute("BEGIN")
for row in rows[:8]:
    database.execute(row)
database.execute("COMMIT")
database.execute("BEGIN")
for row in rows[8:]:
    database.execute(row)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert reds(tmp_path / "bag") == [200, 30, 30, 200]


def test_damaged_chunk_keeps_the_messages_before_it(tmp_path):
    path = write_rosbag2(tmp_path / "bag", frames=400, compression=CompressionMode.STORAGE)
    file = path / "bag.mcap"
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    file.write_bytes(data)
    with Bag(path) as bag:
        found = list(bag.messages([TOPIC]))
        assert len(found) < 400
        assert "damaged data" in bag.warnings[0]


def test_undecodable_message_is_named_and_the_next_one_read(tmp_path):
    path = write_rosbag2(tmp_path / "bag", storage=StoragePlugin.SQLITE3)
    import sqlite3

    with sqlite3.connect(path / "bag.db3") as database:
        first = database.execute(
            "SELECT id FROM messages WHERE topic_id=(SELECT id FROM topics WHERE name=?) ORDER BY id",
            (TOPIC,),
        ).fetchone()[0]
        database.execute("UPDATE messages SET data=x'00010000ff' WHERE id=?", (first,))
    database.close()
    with Bag(path) as bag:
        items = list(bag.messages([TOPIC]))
    assert "cannot be decoded" in items[0].error
    assert [item.error for item in items[1:]] == ["", "", ""]


@pytest.mark.parametrize("name", ["absent", "empty", "empty.mcap", "empty.db3", "empty.bag"])
def test_no_recording_is_one_sentence_with_the_path(tmp_path, name):
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    elif name != "absent":
        path.write_bytes(b"")
    with pytest.raises(UserError, match=name):
        Bag(path)


def test_ros1_spelling_of_types_becomes_ros2_spelling():
    assert full_type_name("sensor_msgs/Image") == "sensor_msgs/msg/Image"
    assert full_type_name("sensor_msgs/msg/Image") == "sensor_msgs/msg/Image"


def test_reads_all_94_types_of_the_shared_bag(shared_data):
    for name in ("test_bag_mcap", "test_bag_sqlite3"):
        with Bag(shared_data / "rosbags_rs_all_types" / name) as bag:
            items = list(bag.messages(list(bag.topics)))
        assert len(items) == 188
        # sensor_msgs/Range lost a field between the distribution that wrote the bag and the one read with.
        assert {item.topic for item in items if item.error} <= {"/test/sensor_msgs/range"}
