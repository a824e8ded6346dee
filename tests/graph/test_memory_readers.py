"""Another process reads or writes beside the node: what each reads and writes fits together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.merging import merge
from ser_ros.graph.memory.snapshot import Transform, read_snapshot
from tests.graph.memory_scenes import pose, seen


class BusyWriter:
    """Writes, and forgets, before each statement of a reader."""

    def __init__(self, path: Path):
        self.memory = Memory.open(path, MemoryConfig(robot="writer", max_objects=10))
        self.second = 0
        for _ in range(60):
            self.write()

    def write(self) -> None:
        noun = ("cup", "dog", "lamp")[self.second % 3]
        caption = f"a red {noun} on a table near a chair"
        self.memory.observe(seen(caption, self.second, pose(10.0 * self.second)))
        self.second += 1

    def disturb(self, reader: Memory) -> None:
        reader.store.db.set_trace_callback(lambda statement: self.write())


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[BusyWriter]:
    writer = BusyWriter(tmp_path / "memory.db")
    yield writer
    writer.memory.close()


@pytest.mark.parametrize(
    "question", ["where is the cup", "what is on the table", "how many dogs", "what is new"]
)
def test_an_answer_is_of_one_moment(tmp_path: Path, writer: BusyWriter, question: str) -> None:
    with Memory.open(tmp_path / "memory.db", read_only=True) as reader:
        writer.disturb(reader)
        answer = reader.query(question)
        assert all(match.caption for match in answer.matches)


def test_a_graph_is_of_one_moment(tmp_path: Path, writer: BusyWriter) -> None:
    with Memory.open(tmp_path / "memory.db", read_only=True) as reader:
        writer.disturb(reader)
        graph = reader.to_networkx()
        things = [node for _, node in graph.nodes(data=True) if node["kind"] == "object"]
        assert things
        assert all(node["evidence"] for node in things)


def test_a_merge_is_of_one_moment(tmp_path: Path, writer: BusyWriter) -> None:
    with Memory.open(tmp_path / "memory.db", read_only=True) as reader:
        writer.disturb(reader)
        with reader.store.reading():
            snapshot = read_snapshot(reader.store, Transform())
    known = set(snapshot.objects)
    assert all({subject, target} <= known for subject, _, target, _ in snapshot.relations)
    merge([(tmp_path / "memory.db", None)], tmp_path / "copy.db", MemoryConfig())


def test_two_writers_know_the_things_of_one_another(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as one, Memory.open(tmp_path / "memory.db") as two:
        one.observe(seen("a couch"))
        two.observe(seen("a sofa", 1))
        one.observe(seen("a brown sofa", 2))
        assert two.counts()["objects"] == 1
        assert two.query("where is the couch").matches[0].times_seen == 3
