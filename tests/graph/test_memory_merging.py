"""Memories of several robots: the order does not matter, and merging again changes nothing."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory, MemoryConfig, Observation
from ser_ros.graph.memory.merging import merge
from ser_ros.graph.memory.snapshot import Transform
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.world_graph import to_json
from tests.graph.memory_scenes import pose, seen

CONFIG = MemoryConfig(frame_id="map")
CAPTIONS = [
    "a red chair near a table",
    "a blue chair",
    "a cup on a table",
    "a cup on a shelf",
    "a kitchen with a closed door",
    "a kitchen with an open door",
    "a coffee table and two boxes",
    "an office with a couch",
]


def write(path: Path, robot: str, observations: list[Observation], frame: str = "map") -> Path:
    with Memory.open(path, MemoryConfig(robot=robot, frame_id=frame)) as memory:
        memory.observe(observations)
    return path


def merged(folder: Path, name: str, *inputs: Path | tuple[Path, Transform | None]) -> tuple[Path, str]:
    pairs = [entry if isinstance(entry, tuple) else (entry, None) for entry in inputs]
    merge(pairs, folder / name, CONFIG)
    with Memory.open(folder / name, read_only=True) as memory:
        return folder / name, to_json(memory.to_networkx())


sights = st.lists(
    st.tuples(
        st.sampled_from(CAPTIONS),
        st.integers(0, 400),
        st.integers(0, 6),
        st.integers(0, 3),
        st.sampled_from((0, 90)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(sights, sights, sights, st.booleans())
def test_merging_is_commutative_and_idempotent(one: list, two: list, three: list, moved: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [
            write(
                folder / f"{robot}.db",
                robot,
                [seen(caption, second, pose(x, y, degrees)) for caption, second, x, y, degrees in sight],
            )
            for robot, sight in zip("abc", (one, two, three), strict=True)
        ]
        transform = Transform(1.5, -0.5, 0.0, math.pi / 2) if moved else None
        a, b, c = paths[0], (paths[1], transform), paths[2]
        both, content = merged(folder, "ab.db", a, b)
        assert merged(folder, "ba.db", b, a)[1] == content
        assert merged(folder, "ab_b.db", both, b)[1] == content
        assert merged(folder, "a_ab.db", a, both)[1] == content
        assert merged(folder, "ab_ab.db", both, both)[1] == content
        every, content = merged(folder, "abc.db", a, b, c)
        assert merged(folder, "cab.db", c, a, b)[1] == content
        assert merged(folder, "abc_ab.db", every, b, a)[1] == content
        store = Store(every, read_only=True)
        assert store.db.execute("PRAGMA foreign_key_check").fetchall() == []
        store.close()


def test_counts_are_kept_by_robot(tmp_path: Path) -> None:
    a = write(tmp_path / "a.db", "anna", [seen("a red chair", i) for i in range(3)])
    b = write(tmp_path / "b.db", "bert", [seen("a red chair", 10 + i, pose(0.4)) for i in range(2)])
    path, _ = merged(tmp_path, "ab.db", a, b)
    with Memory.open(path, MemoryConfig(robot="carl")) as memory:
        (chair,) = memory.query("red chair").matches
        assert chair.times_seen == 5
        assert chair.pose == pose(0.4)
        memory.observe(seen("a red chair", 20))
        assert memory.query("red chair").matches[0].times_seen == 6
    with Memory.open(b, MemoryConfig(robot="bert")) as memory:
        memory.observe(seen("a red chair", 30))
    again, _ = merged(tmp_path, "again.db", path, b)
    with Memory.open(again, read_only=True) as memory:
        assert memory.query("red chair").matches[0].times_seen == 7


def test_an_image_that_one_memory_knows_is_known_to_the_merged_one(tmp_path: Path) -> None:
    scenes = [seen("a red chair", i) for i in range(9)]
    a = write(tmp_path / "a.db", "anna", scenes)
    b = write(tmp_path / "b.db", "bert", [seen("a dog", 3)])
    both, _ = merged(tmp_path, "ab.db", a, b)
    with Memory.open(both, MemoryConfig(robot="anna", frame_id="map")) as memory:
        assert memory.observe(scenes) == 0


def test_two_things_that_one_robot_told_apart_stay_two(tmp_path: Path) -> None:
    a = write(tmp_path / "a.db", "anna", [seen("a chair next to a chair")])
    b = write(tmp_path / "b.db", "bert", [seen("a chair", 1)])
    path, _ = merged(tmp_path, "ab.db", a, b)
    with Memory.open(path, read_only=True) as memory:
        assert sorted(match.times_seen for match in memory.query("chair").matches) == [1, 2]


def test_the_newest_state_is_true_whoever_saw_it(tmp_path: Path) -> None:
    a = write(tmp_path / "a.db", "anna", [seen("a closed door", 5)])
    b = write(tmp_path / "b.db", "bert", [seen("an open door", 9)])
    path, _ = merged(tmp_path, "ab.db", a, b)
    with Memory.open(path, read_only=True) as memory:
        assert memory.query("is the door open").speech.startswith("Yes")


def test_frames_need_a_transform(tmp_path: Path) -> None:
    a = write(tmp_path / "a.db", "anna", [seen("a red chair")])
    at = pose(-2, 0, -90, frame="bert/odom")
    b = write(tmp_path / "b.db", "bert", [seen("a red chair", 1, at)], frame="bert/odom")
    with pytest.raises(UserError, match=r"bert/odom.*--transform"):
        merge([(a, None), (b, None)], tmp_path / "no.db", CONFIG)
    # bert's (-2, 0) facing -y is the origin facing +x in the map
    path, _ = merged(tmp_path, "ab.db", a, (b, Transform(0.0, 2.0, 0.0, math.pi / 2)))
    with Memory.open(path, read_only=True) as memory:
        (chair,) = memory.query("red chair").matches
    assert chair.times_seen == 2
    assert chair.pose is not None
    assert (chair.pose.x, chair.pose.y, chair.pose.yaw) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
    assert chair.pose.frame_id == "map"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    a = write(tmp_path / "a.db", "anna", [seen("a red chair")])
    with pytest.raises(UserError, match="exists"):
        merge([(a, None)], a, CONFIG)
    with pytest.raises(UserError, match="there is no memory"):
        merge([(a, None), (tmp_path / "none.db", None)], tmp_path / "out.db", CONFIG)
    assert not (tmp_path / "out.db").exists()
