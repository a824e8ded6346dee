"""What a recorder that was killed, or a disk that was full, left in a storage file.

An MCAP file has no footer and may break off within a chunk; a SQLite file is shorter than its header
says, or its newest pages lie in a write-ahead log beside it. `rosbags` opens none of them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.replay.topics import Topic, full_type_name

RawMessage = tuple[str, int, bytes]  # topic, log time in nanoseconds, CDR bytes


@dataclass(frozen=True)
class Remains:
    """What can be read of one storage file.

    Attributes:
        topics: name -> type and number of messages.
        messages: reads those of the given topics, in the order they were recorded, up to the break.
    """

    topics: dict[str, Topic]
    messages: Callable[[Collection[str]], Iterator[RawMessage]]


def has_write_ahead_log(path: Path) -> bool:
    """Whether messages of a SQLite storage lie in a log that only SQLite itself reads."""
    log = path.with_name(path.name + "-wal")
    return log.is_file() and log.stat().st_size > 0


def read_remains(path: Path) -> Remains | None:
    """Look through a .mcap or .db3 file once; None when nothing can be got out of it."""
    if path.suffix == ".mcap":
        topics = _mcap_topics(path)
        return Remains(topics, lambda wanted: _mcap_messages(path, wanted)) if topics else None
    topics = _sqlite_topics(path)
    return Remains(topics, lambda wanted: _sqlite_messages(path, wanted)) if topics else None


def _mcap_topics(path: Path) -> dict[str, Topic]:
    from mcap.records import Channel, Message, Schema

    schemas: dict[int, str] = {}
    channels: dict[int, tuple[str, str]] = {}
    counts: Counter[int] = Counter()
    for record in _mcap_records(path):
        if isinstance(record, Schema):
            schemas[record.id] = record.name
        elif isinstance(record, Channel):
            channels[record.id] = (record.topic, schemas.get(record.schema_id, ""))
        elif isinstance(record, Message):
            counts[record.channel_id] += 1
    return {name: Topic(full_type_name(kind), counts[key]) for key, (name, kind) in channels.items() if kind}


def _mcap_messages(path: Path, topics: Collection[str]) -> Iterator[RawMessage]:
    from mcap.records import Channel, Message

    channels: dict[int, str] = {}
    for record in _mcap_records(path):
        if isinstance(record, Channel):
            channels[record.id] = record.topic
        elif isinstance(record, Message) and channels.get(record.channel_id) in topics:
            yield channels[record.channel_id], record.log_time, record.data


def _mcap_records(path: Path) -> Iterator[Any]:
    from mcap.exceptions import McapError
    from mcap.stream_reader import StreamReader

    with path.open("rb") as stream:
        records = iter(StreamReader(stream).records)
        while True:
            try:
                record = next(records)
            except (StopIteration, McapError, ValueError, EOFError, OSError):
                return  # where the file breaks off; everything before it counts
            except Exception as error:
                # zstd and lz4 raise classes of their own for half a chunk
                if "zstd" in type(error).__module__.lower() or "lz4" in str(error).lower():
                    return
                raise
            yield record


def _sqlite_topics(path: Path) -> dict[str, Topic]:
    topics: dict[int, tuple[str, str]] = {}
    counts: Counter[int] = Counter()
    try:
        with closing(_connect(path)) as database:
            topics = {
                key: (name, kind) for key, name, kind in database.execute("SELECT id, name, type FROM topics")
            }
            counts.update(key for (key,) in database.execute("SELECT topic_id FROM messages ORDER BY id"))
    except sqlite3.DatabaseError:
        pass  # pages are missing from here on
    return {name: Topic(full_type_name(kind), counts[key]) for key, (name, kind) in topics.items()}


def _sqlite_messages(path: Path, topics: Collection[str]) -> Iterator[RawMessage]:
    with closing(_connect(path)) as database:
        names = {key: name for key, name in database.execute("SELECT id, name FROM topics") if name in topics}
        rows = database.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id")
        while True:
            try:
                row = next(rows, None)
            except sqlite3.DatabaseError:
                return
            if row is None:
                return
            if row[0] in names:
                yield names[row[0]], row[1], row[2]


def _connect(path: Path) -> sqlite3.Connection:
    # "immutable" also opens where no lock can be taken, but does not look into a write-ahead log.
    mode = "mode=ro" if has_write_ahead_log(path) else "immutable=1"
    database = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
    # SQLite refuses a file that is shorter than its header says, except to somebody who repairs it.
    database.execute("PRAGMA writable_schema = ON")
    return database
