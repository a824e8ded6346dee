"""Messages of a recording: rosbag2 (SQLite, MCAP, split, zstd), rosbag1, and what a killed recorder left.

Needs no ROS install: `rosbags` reads and deserialises, `mcap` reads files that have no end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ser_ros.errors import UserError

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
STORAGE_SUFFIXES = (".mcap", ".db3")
COMPRESSED_SUFFIXES = (".mcap.zstd", ".db3.zstd")  # FILE-mode compression


class BagMessage(NamedTuple):
    """One message: `message` has the ROS fields as attributes, or is None and `error` says why."""

    topic: str
    log_time: int  # nanoseconds, when it was recorded
    message: Any
    error: str


@dataclass(frozen=True)
class Topic:
    """`type` is spelled pkg/msg/Type; `count` is the number of messages."""

    type: str
    count: int


@dataclass
class _File:
    """One storage, opened by rosbags, or read as a stream when it has no end."""

    path: Path
    reader: Any = None
    ros1: bool = False
    topics: dict[str, Topic] = field(default_factory=dict)


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
            source = _rosbags_messages(file, topics) if file.reader is not None else _stream(file, topics)
            while True:
                try:
                    topic, log_time, data = next(source)
                except StopIteration:
                    break
                except Exception as error:
                    # A damaged chunk raises whatever its decoder raises (struct, zstd, SQLite errors).
                    self.warnings.append(f"{file.path}: reading stopped at damaged data ({_sentence(error)})")
                    break
                yield file.ros1, topic, log_time, data

    def _open(self) -> Iterator[_File]:
        if not self.path.exists():
            raise UserError(f"{self.path}: no such file or folder")
        if self.path.suffix == ".bag":
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
        opened = 0
        for stored in storages:
            storage = self._plain_storage(stored)
            try:
                yield self._rosbag2(storage)
                opened += 1
            except Exception as error:
                if storage.suffix == ".mcap" and (file := _scan_unfinished_mcap(storage)):
                    self.warnings.append(
                        f"{stored}: has no end ({_sentence(error)}); read up to where it breaks off"
                    )
                    yield file
                    opened += 1
                else:
                    self.warnings.append(f"{stored}: cannot be read ({_sentence(error)})")
        if not opened:
            raise UserError(self.warnings[-1])

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


def full_type_name(name: str) -> str:
    """`sensor_msgs/Image`, as rosbag1 and some MCAP writers spell it, becomes `sensor_msgs/msg/Image`."""
    package, _, rest = name.partition("/")
    return name if rest.startswith("msg/") else f"{package}/msg/{rest}"


def _reader_topics(reader: Any) -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    for connection in reader.connections:
        count = topics.get(connection.topic, Topic("", 0)).count + connection.msgcount
        topics[connection.topic] = Topic(full_type_name(connection.msgtype), count)
    return topics


def _rosbags_messages(file: _File, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
    wanted = [c for c in file.reader.connections if c.topic in topics]
    if wanted:
        for connection, log_time, data in file.reader.messages(connections=wanted):
            yield connection.topic, log_time, bytes(data)


def _stream(file: _File, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
    from mcap.exceptions import EndOfFile
    from mcap.records import Channel, Message
    from mcap.stream_reader import StreamReader

    channels: dict[int, str] = {}
    with file.path.open("rb") as stream:
        try:
            for record in StreamReader(stream).records:
                if isinstance(record, Channel):
                    channels[record.id] = record.topic
                elif isinstance(record, Message) and channels.get(record.channel_id) in topics:
                    yield channels[record.channel_id], record.log_time, record.data
        except EndOfFile:
            return


def _scan_unfinished_mcap(path: Path) -> _File | None:
    """Topics of an MCAP without a footer, found by reading it through once; None when nothing is in it."""
    from mcap.exceptions import McapError
    from mcap.records import Channel, Message, Schema
    from mcap.stream_reader import StreamReader

    schemas: dict[int, str] = {}
    channels: dict[int, tuple[str, str]] = {}
    counts: dict[int, int] = {}
    with path.open("rb") as stream:
        try:
            for record in StreamReader(stream).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record.name
                elif isinstance(record, Channel):
                    channels[record.id] = (record.topic, schemas.get(record.schema_id, ""))
                elif isinstance(record, Message):
                    counts[record.channel_id] = counts.get(record.channel_id, 0) + 1
        except (McapError, ValueError, EOFError, OSError):
            pass  # the point where the file breaks off; everything before it counts
        except Exception as error:  # zstd and lz4 raise classes of their own for half a chunk
            if "zstd" not in type(error).__module__.lower() and "lz4" not in str(error).lower():
                raise
    topics = {
        t: Topic(full_type_name(kind), counts.get(key, 0)) for key, (t, kind) in channels.items() if kind
    }
    return _File(path, topics=topics) if topics else None


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
    return (str(error) or type(error).__name__).strip().rstrip(".")
