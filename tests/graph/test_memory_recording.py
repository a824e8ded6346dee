"""What is the same thing, what is another, what changed."""

from __future__ import annotations

import math

import pytest

from ser_ros.graph.memory import Memory, MemoryConfig, Observation, Pose
from ser_ros.graph.memory.world_graph import to_json
from ser_ros.graph.triples import SceneTriples
from tests.graph.memory_scenes import SECOND, START, blind, pose, seen


def objects(memory: Memory) -> list[dict]:
    graph = memory.to_networkx()
    return [values for _, values in graph.nodes(data=True) if values["kind"] == "object"]


def labels(memory: Memory) -> list[str]:
    return sorted(one["label"] for one in objects(memory))


def remember(*observations: Observation, **settings) -> Memory:
    memory = Memory.open(config=MemoryConfig(robot="test", **settings))
    memory.observe(observations)
    return memory


def test_one_thing_in_two_images_is_one_object_with_both_as_evidence() -> None:
    memory = remember(seen("a red chair near a window"), seen("there is a chair", 1))
    chair = next(one for one in objects(memory) if one["label"] == "chair")
    assert chair["times_seen"] == 2
    assert [one["caption"] for one in chair["evidence"]] == ["a red chair near a window", "there is a chair"]
    first = chair["evidence"][0]
    assert first["caption"][first["start"] : first["end"]] == "chair"
    assert [one["text"] for one in chair["attributes"]] == ["red"]


def test_an_older_image_may_be_cited_for_one_thing_and_not_for_another() -> None:
    newer = [seen("a chair", second) for second in (0, 10, 20)]
    memory = remember(*newer, seen("a chair and a window and a door", 5), evidence_per_object=2)
    evidence = {one["label"]: [e["caption"] for e in one["evidence"]] for one in objects(memory)}
    assert evidence["chair"] == ["a chair", "a chair"]
    assert evidence["window"] == evidence["door"] == ["a chair and a window and a door"]


def test_an_older_image_that_nothing_cites_is_dropped() -> None:
    memory = remember(*[seen("a chair", second) for second in (0, 10, 20, 5)], evidence_per_object=2)
    (chair,) = objects(memory)
    assert (chair["times_seen"], len(chair["evidence"])) == (4, 2)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a red chair", "a red chair", True),
        ("a red chair", "a blue chair", False),
        ("a sofa", "a couch", True),
        ("a person", "a man", True),
        ("a man", "a woman", False),
        ("a person", "a monitor", False),
        ("a printer", "a person", False),
        ("a dog", "a cat", False),
        ("a table", "a coffee table", True),
        ("a coffee table", "a dining table", False),
        ("a gray box", "a grey box", True),
        ("a wooden table", "a metal table", False),
        ("a small box", "a large box", False),
        ("a box", "two boxes", False),
        ("a closed door", "an open door", True),
        ("a snowboard", "a snowboarder", False),
        ("a dog", "a hot dog", False),
        ("a mouse", "a computer mouse", True),
        ("a bat", "a baseball bat", True),
        ("a hydrant", "a fire hydrant", True),
        ("a teddy bear", "a stuffed bear", True),
        ("a bear", "a teddy bear", False),
        ("a toy car", "a car", False),
    ],
)
def test_names_and_properties_decide(first: str, second: str, same: bool) -> None:
    assert len(objects(remember(seen(first), seen(second, 1)))) == (1 if same else 2)


@pytest.mark.parametrize(
    ("first", "second", "linked"),
    [
        ("a coffee table", "a dining table", True),
        ("a wooden table", "a metal table", True),
        ("a box", "two boxes", True),
        ("a bear", "a teddy bear", True),
        ("a toy car", "a car", True),
        ("a dog", "a hot dog", False),
        ("a red chair", "a blue chair", False),
        ("a dog", "a cat", False),
    ],
)
def test_doubt_links_and_does_not_merge(first: str, second: str, linked: bool) -> None:
    memory = remember(seen(first), seen(second, 1))
    predicates = [values["predicate"] for *_, values in memory.to_networkx().edges(data=True)]
    assert ("possibly same" in predicates) is linked


def test_the_same_name_elsewhere_is_another_thing() -> None:
    assert labels(remember(seen("a chair"), seen("a chair", 1, pose(10, 0)))) == ["chair", "chair"]
    # same spot, but the robot looks the other way
    assert labels(remember(seen("a chair"), seen("a chair", 1, pose(0, 0, 180)))) == ["chair", "chair"]


def test_two_things_of_one_caption_stay_two() -> None:
    memory = remember(seen("a red chair next to a red chair"), seen("a red chair next to a red chair", 1))
    assert labels(memory) == ["chair", "chair"]
    assert {one["times_seen"] for one in objects(memory)} == {2}


@pytest.mark.parametrize(
    "caption", ["A picture of a dog hangs above the sofa.", "A painting of a dog hangs above the sofa."]
)
def test_what_a_picture_shows_is_no_thing(caption: str) -> None:
    names = labels(remember(seen(caption)))
    assert "sofa" in names
    assert "dog" not in names


def test_a_second_mention_is_no_second_thing() -> None:
    memory = remember(seen("A red chair stands in a room. The chair is next to a table."))
    assert labels(memory) == ["chair", "table"]


def test_a_state_that_changes_keeps_its_history() -> None:
    memory = remember(
        seen("a closed door"), seen("an open door", 5), seen("an open door", 6), seen("a closed door", 9)
    )
    (door,) = objects(memory)
    history = [(one["text"], one["count"], one["current"]) for one in door["attributes"]]
    assert history == [("closed", 1, True), ("open", 2, False), ("closed", 1, True)]


def test_persons_are_told_apart_by_what_they_wear() -> None:
    memory = remember(
        seen("a person in a yellow shirt"), seen("a person in a grey shirt", 1), seen("a person", 2),
        seen("a person in a yellow shirt", 3),
    )  # fmt: skip
    assert labels(memory).count("person") == 2
    assert labels(memory).count("shirt") == 2


def test_a_door_that_one_caption_calls_open_and_closed_is_neither() -> None:
    (door,) = objects(remember(seen("a closed door"), seen("an open door that is closed", 1)))
    assert [(one["text"], one["count"]) for one in door["attributes"]] == [("closed", 1)]


def test_a_newer_support_makes_the_older_one_history() -> None:
    memory = remember(
        seen("a white cup on a table"), seen("a white cup on a table", 1), seen("a white cup on a shelf", 60)
    )
    graph = memory.to_networkx()
    current = {
        graph.nodes[target]["label"]: values["current"]
        for _, target, values in graph.edges(data=True)
        if values["predicate"] == "on"
    }
    assert current == {"table": False, "shelf": True}


def test_rooms_are_named_by_most_captions_and_are_no_objects() -> None:
    memory = remember(
        seen("a kitchen with a table"),
        seen("a kitchen with a stove", 1),
        seen("a table in an office", 2),
        seen("a living room with a sofa", 3, pose(9, 9)),
    )
    graph = memory.to_networkx()
    assert {name for name in graph if name.startswith("room:")} == {"room:kitchen", "room:living room"}
    assert {one["label"]: one["room"] for one in objects(memory)} == {
        "table": "kitchen",
        "stove": "kitchen",
        "sofa": "living room",
    }


def test_places_are_clusters_of_poses() -> None:
    memory = remember(*(seen("a wall", i, pose(x)) for i, x in enumerate((0.0, 0.3, 0.8, 5.0, 5.5))))
    places = [values for _, values in memory.to_networkx().nodes(data=True) if values["kind"] == "place"]
    assert sorted((place["x"], place["images"], place["visits"]) for place in places) == [
        (0.0, 3, 1),
        (5.0, 2, 1),
    ]


def test_without_a_pose_time_decides() -> None:
    near = remember(blind("a chair"), blind("a chair", 30))
    assert [(one["times_seen"], one["robot_pose"]) for one in objects(near)] == [(2, None)]
    assert labels(remember(blind("a chair"), blind("a chair", 10_000))) == ["chair", "chair"]


@pytest.mark.parametrize(
    "bad", [Pose("odom", 1, 2), Pose("map", math.nan, 0), Pose("map", 0, 0, qw=math.inf)]
)
def test_a_pose_that_says_nothing_counts_as_unknown(bad: Pose) -> None:
    (chair,) = objects(remember(seen("a chair", 0, bad), frame_id="map"))
    assert chair["robot_pose"] is None
    assert chair["place"] == ""


def test_the_first_pose_gives_the_frame() -> None:
    memory = remember(seen("a chair", 0, Pose("odom", 1, 2)), seen("a dog", 1, Pose("map", 1, 2)))
    poses = {one["label"]: one["robot_pose"] is not None for one in objects(memory)}
    assert poses == {"chair": True, "dog": False}
    assert memory.to_networkx().graph["frame_id"] == "odom"


def test_one_image_counts_once() -> None:
    memory = remember(seen("a chair"))
    assert memory.observe([seen("a chair"), seen("a chair", 1)]) == 1
    assert objects(memory)[0]["times_seen"] == 2


def test_a_bag_that_is_played_again_changes_nothing() -> None:
    scenes = [seen("a ball and a box" if i % 3 else "a box", 30 * i, pose(9.0 * (i % 2))) for i in range(20)]
    memory = remember(*scenes, evidence_per_object=1)
    before = to_json(memory.to_networkx())
    for _ in range(4):
        memory.start_new_visit()
        assert memory.observe(scenes) == 0
    assert to_json(memory.to_networkx()) == before


def test_images_are_known_for_a_week() -> None:
    memory = Memory.open()
    day = 86_400
    memory.observe(seen("a chair", i) for i in range(60))
    memory.observe(seen("a chair", 6 * day + i) for i in range(60))
    memory.observe(seen("a chair", 9 * day + i) for i in range(60))
    assert memory.store.db.execute("SELECT count(*) FROM image").fetchone()[0] == 120
    assert memory.observe(seen("a chair", 6 * day)) == 0


def test_a_late_image_does_not_overwrite_a_newer_one() -> None:
    memory = remember(seen("an open door", 10, pose(0.5)), seen("a closed door", 3, pose(0.0)))
    (door,) = objects(memory)
    assert door["robot_pose"]["x"] == 0.5
    assert {one["text"]: one["current"] for one in door["attributes"]} == {"open": True, "closed": False}
    assert (door["first_seen"], door["last_seen"]) == (START + 3 * SECOND, START + 10 * SECOND)


def test_an_empty_caption_leaves_no_trace_but_the_place() -> None:
    memory = remember(Observation(START, "front", SceneTriples(""), pose()))
    counts = memory.counts()
    assert (counts["objects"], counts["observations"], counts["places"]) == (0, 0, 1)


def test_what_repeated_visits_do_not_find_is_gone_until_it_is_seen_again() -> None:
    here, there = pose(), pose(9, 0)
    memory = Memory.open()
    captions = ["a ball and a box"] * 3 + ["a box"] * 6 + ["a ball and a box"]
    gone = []
    for turn, caption in enumerate(captions):
        memory.observe([seen(caption, 60 * turn, here), seen("a wall", 60 * turn + 30, there)])
        gone.append(next(one["gone"] is not None for one in objects(memory) if one["label"] == "ball"))
    assert gone[:3] == [False] * 3
    assert gone[8] is True
    assert gone[9] is False
    assert all(one["gone"] is None for one in objects(memory) if one["label"] == "box")


def test_what_was_seen_later_is_not_gone_because_an_older_bag_misses_it() -> None:
    here, there = pose(), pose(9, 0)
    memory = remember(seen("a ball and a box", 100_000, here))
    for turn in range(9):
        memory.observe([seen("a box", 60 * turn, here), seen("a wall", 60 * turn + 30, there)])
    assert all(one["gone"] is None for one in objects(memory))


def test_evidence_is_the_first_caption_and_the_newest() -> None:
    memory = remember(*(seen(f"a chair {'x' * i}", i) for i in range(20)), evidence_per_object=3)
    chair = next(one for one in objects(memory) if one["head"] == "chair" or one["times_seen"] > 1)
    stamps = [one["stamp"] for one in chair["evidence"]]
    assert len(stamps) <= 3
    assert stamps[0] == chair["first_seen"]
    assert stamps[-1] == chair["last_seen"]


def test_nothing_uncited_is_kept() -> None:
    memory = remember(*(seen("a chair near a table", i) for i in range(200)), evidence_per_object=2)
    assert memory.counts()["observations"] <= 3


def test_bounds_hold_and_the_oldest_go_first() -> None:
    memory = Memory.open(config=MemoryConfig(max_objects=20))
    for i in range(300):
        memory.observe(seen("a chair", i, pose(10.0 * i)))
    counts = memory.counts()
    assert counts["objects"] <= 20 + 50
    assert min(one["last_seen"] for one in objects(memory)) > START + 200 * SECOND


def test_old_things_are_forgotten_with_all_that_hangs_on_them() -> None:
    memory = Memory.open(config=MemoryConfig(forget_after=1.0))
    memory.observe(seen("a cup on a table"))
    for i in range(60):
        memory.observe(seen("a chair", 2 * 86_400 + i, pose(50)))
    assert labels(memory) == ["chair"]
    assert memory.counts()["places"] == 1
    for table in ("relation", "tally", "attribute", "object_alias"):
        count = memory.store.db.execute(f"SELECT count(*) FROM {table} WHERE 1").fetchone()[0]
        assert count == (1 if table in ("tally", "object_alias") else 0), table
    assert memory.store.db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_one_picture_alone_showed_is_forgotten_first() -> None:
    day = 86_400
    memory = Memory.open(config=MemoryConfig(forget_after=10.0))
    memory.observe([seen("a cup and a dog"), seen("a cup", 1)])
    memory.observe(seen("a chair", 2 * day + i, pose(50)) for i in range(50))
    assert labels(memory) == ["chair", "cup"]
    memory = Memory.open(config=MemoryConfig(max_objects=10))
    memory.observe(seen("a cup", i, pose(10.0 * (i // 2))) for i in range(18))
    memory.observe(seen("a dog", 1_000 + i, pose(10.0 * i)) for i in range(30))
    assert len(labels(memory)) == 39
    for i in range(50):
        memory.observe(seen("a chair", day + i, pose()))
    assert labels(memory) == ["chair", *["cup"] * 9]


def test_settings_are_checked() -> None:
    with pytest.raises(Exception, match="merge_radius"):
        MemoryConfig(merge_radius=-1.0)
