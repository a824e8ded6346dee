"""Messages of a recording: rosbag2 (SQLite, MCAP, split, zstd), rosbag1, and what a killed recorder left.

Needs no ROS install: `rosbags` reads and deserialises, `unfinished` reads what it refuses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ser_ros.errors import UserError
from ser_ros.replay.topics import Topic, full_type_name
from ser_ros.replay.unfinished import RawMessage, Remains, has_write_ahead_log, read_remains

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
STORAGE_SUFFIXES = (".mcap", ".db3")
COMPRESSED_SUFFIXES = (".mcap.zstd", ".db3.zstd")  # FILE-mode compression


class BagMessage(NamedTuple):
    """One message: `message` has the ROS fields as attributes, or is None and `error` says why."""

    topic: str
    log_time: int  # nanoseconds, when it was recorded
    message: Any
    error: str


@dataclass
class _File:
    """One storage: opened by rosbags, or what is left of it."""

    path: Path
    reader: Any = None
    ros1: bool = False
    topics: dict[str, Topic] = field(default_factory=dict)
    remains: Remains | None = None

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Those of `topics` in the order they were recorded."""
        if self.remains is not None:
            yield from self.remains.messages(topics)
        elif wanted := [c for c in self.reader.connections if c.topic in topics]:
            for connection, log_time, data in self.reader.messages(connections=wanted):
                yield connection.topic, log_time, bytes(data)


class Bag:
    """A recording, read in order of time without holding more than one chunk in memory.

    Attributes:
        topics: name -> (type in the form pkg/msg/Type, number of messages).
        warnings: sentences on what could not be read; grows while reading.

    Raises:
        UserError: nothing at `path` is a recording.
    """

    def __init__(self, path: Path):
        self.path = path
        self.warnings: list[str] = []
        self.topics: dict[str, Topic] = {}
        self._scratch: TemporaryDirectory[str] | None = None
        self._files = list(self._open())
        for file in self._files:
            for name, topic in file.topics.items():
                count = self.topics.get(name, Topic("", 0)).count + topic.count
                self.topics[name] = Topic(topic.type, count)

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the files; temporary copies of compressed storages are removed."""
        for file in self._files:
            if file.reader is not None:
                file.reader.close()
                file.reader = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Messages of `topics`, in the order they were recorded."""
        for ros1, topic, log_time, data in self._raw(topics):
            try:
                message = _deserialize(_typestore(ros1), ros1, data, self.topics[topic].type)
            except Exception as error:  # each field type of rosbags raises its own
                yield BagMessage(topic, log_time, None, f"cannot be decoded ({_sentence(error)})")
            else:
                yield BagMessage(topic, log_time, message, "")

    def serialized(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        """(topic, log time in nanoseconds, CDR bytes) of a rosbag2, ready to be published.

        Raises:
            UserError: the recording is a rosbag1, whose bytes no ROS 2 subscriber understands.
        """
        for ros1, topic, log_time, data in self._raw(topics):
            if ros1:
                raise UserError(f"{self.path}: is a rosbag1; convert it with rosbags-convert to play it live")
            yield topic, log_time, _plain(data)

    def _raw(self, topics: Collection[str]) -> Iterator[tuple[bool, str, int, bytes]]:
        for file in self._files:
            source = file.messages(topics)
            while True:
                try:
                    topic, log_time, data = next(source)
                except StopIteration:
                    break
                except Exception as error:
                    # A damaged chunk raises whatever its decoder raises (struct, zstd, SQLite errors).
                    warning = f"{file.path}: reading stopped at damaged data ({_sentence(error)})"
                    if warning not in self.warnings:  # poses and images are read in two passes
                        self.warnings.append(warning)
                    break
                yield file.ros1, topic, log_time, data

    def _open(self) -> Iterator[_File]:
        if not self.path.exists():
            raise UserError(f"{self.path}: no such file or folder")
        if self.path.suffix == ".bag" and self.path.is_file():  # a rosbag2 is a folder of any name
            from rosbags.rosbag1 import Reader as Reader1

            try:
                reader = Reader1(self.path)
                reader.open()
            except Exception as error:
                raise UserError(
                    f"{self.path}: cannot be read as rosbag1 ({_sentence(error)}); try `rosbag reindex`"
                ) from error
            yield _File(self.path, reader, ros1=True, topics=_reader_topics(reader))
            return
        if self.path.is_dir() and (self.path / "metadata.yaml").is_file():
            try:
                yield self._rosbag2(self.path)
                return
            except Exception as error:
                self.warnings.append(
                    f"{self.path}: {_sentence(error)}; its storage files are read one by one"
                )
        storages = storage_files(self.path)
        if not storages:
            raise UserError(f"{self.path}: holds no rosbag (no .mcap, .db3 or .bag file)")
        if self.path.is_dir() and not (self.path / "metadata.yaml").is_file():
            self.warnings.append(
                f"{self.path}: no metadata.yaml (the recording was not finished); what its files hold is used"
            )
        files = [file for file in map(self._storage, storages) if file is not None]
        if not files:
            raise UserError(self.warnings[-1])
        yield from files

    def _storage(self, stored: Path) -> _File | None:
        """One storage file by itself; None, and a warning, where nothing can be got out of it."""
        path = self._plain_storage(stored)
        if has_write_ahead_log(path) and (remains := read_remains(path)):
            self.warnings.append(f"{stored}: was not closed; its write-ahead log is read as well")
            return _File(path, topics=remains.topics, remains=remains)
        try:
            return self._rosbag2(path)
        except Exception as error:
            if remains := read_remains(path):
                self.warnings.append(
                    f"{stored}: is incomplete ({_sentence(error)}); read up to where it breaks off"
                )
                return _File(path, topics=remains.topics, remains=remains)
            self.warnings.append(f"{stored}: cannot be read ({_sentence(error)})")
            return None

    def _plain_storage(self, path: Path) -> Path:
        """`path`, or a decompressed copy of what can be read of it that lives until `close`."""
        if path.suffix != ".zstd":
            return path
        import zstandard

        if self._scratch is None:
            self._scratch = TemporaryDirectory(prefix="ser_ros_bag_")
        copy = Path(self._scratch.name) / path.stem
        with path.open("rb") as packed, copy.open("wb") as plain:
            try:
                zstandard.ZstdDecompressor().copy_stream(packed, plain)
            except zstandard.ZstdError as error:
                self.warnings.append(f"{path}: unpacked up to damaged data ({_sentence(error)})")
        return copy

    @staticmethod
    def _rosbag2(path: Path) -> _File:
        from rosbags.rosbag2 import Reader

        reader = Reader(path)
        reader.open()
        return _File(path, reader, topics=_reader_topics(reader))


def storage_files(path: Path) -> list[Path]:
    """The .mcap and .db3 files at `path`, split parts in their numeric order (_2 before _10).

    One compressed as a whole (.mcap.zstd) counts where its plain form is gone.
    """
    if path.is_file():
        return [path] if path.name.endswith((*STORAGE_SUFFIXES, *COMPRESSED_SUFFIXES)) else []
    found = [p for p in path.iterdir() if p.name.endswith(STORAGE_SUFFIXES)]
    found += [
        p for p in path.iterdir() if p.name.endswith(COMPRESSED_SUFFIXES) and p.with_suffix("") not in found
    ]

    def part(p: Path) -> tuple[int, str]:
        tail = p.name.partition(".")[0].rpartition("_")[2]
        return (int(tail) if tail.isdigit() else 0, p.name)

    return sorted(found, key=part)


def _reader_topics(reader: Any) -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    for connection in reader.connections:
        count = topics.get(connection.topic, Topic("", 0)).count + connection.msgcount
        topics[connection.topic] = Topic(full_type_name(connection.msgtype), count)
    return topics


@cache
def _typestore(ros1: bool) -> Any:
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_JAZZY)


def _deserialize(store: Any, ros1: bool, data: bytes, kind: str) -> Any:
    if ros1:
        return store.deserialize_ros1(data, kind)
    return store.deserialize_cdr(_plain(data), kind)


def _plain(data: bytes) -> bytes:
    """rosbag2's MESSAGE mode compresses each payload; only metadata.yaml tells, and it may be lost."""
    if data[:4] != ZSTD_MAGIC:
        return data
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def _sentence(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split()).rstrip(".")
