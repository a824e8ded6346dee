"""How well the memory remembers a patrol: against the ground truth of the simulated home.

python benchmarks/memory_patrol.py demo/patrol/ground_truth.json --style detailed

The captions are those of the ground truth, so that only the memory is measured. A remembered object is
right when it pairs, one to one, with a thing that some caption named: same noun, no contradicting
colour, and the thing in one of the pictures that the memory cites. Walls and floors are left out; shirts
and flower pots are things. What stands twice in the memory
lowers the precision, what was merged wrongly the recall.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

from ser_ros.graph import wordnet
from ser_ros.graph.memory import Memory, MemoryConfig, Observation, Pose
from ser_ros.graph.memory.vocabulary import STRUCTURE, conflict, normal
from ser_ros.graph.parser import parse

Thing = dict[str, Any]


def load(path: Path) -> dict[str, Any]:
    """The ground truth of a patrol."""
    truth = json.loads(path.read_text())
    _add_parts(truth)
    return truth


def _add_parts(truth: dict[str, Any]) -> None:
    """Make shirts of persons and pots of plants things of their own."""
    numbers: dict[tuple[int, str], int] = {}
    for frame in truth["frames"]:
        for thing in [one for one in frame["objects"] if one["part"]]:
            noun, colour = thing["part"]
            for member in thing["members"]:
                if (member, noun) not in numbers:
                    numbers[member, noun] = len(truth["objects"])
                    whole = truth["objects"][member]
                    truth["objects"].append({**whole, "noun": noun, "attributes": [], "colour": colour})
            parts = [numbers[member, noun] for member in thing["members"]]
            frame["objects"].append({**thing, "noun": noun, "part": None, "members": parts})


def pose_of(frame: dict[str, Any]) -> Pose:
    """Where the robot stood."""
    pose, half = frame["pose"], math.radians(frame["pose"]["yaw_degrees"]) / 2.0
    return Pose(pose["frame_id"], pose["x"], pose["y"], 0.0, 0.0, 0.0, math.sin(half), math.cos(half))


def observations(truth: dict[str, Any], style: str) -> Iterator[Observation]:
    """One observation per picture that has a caption; of its five captions each in turn."""
    for number, frame in enumerate(truth["frames"]):
        captions = frame["captions"][style]
        if captions:
            caption = captions[number % len(captions)]
            yield Observation(int(frame["stamp"]), "front", parse(caption), pose_of(frame))


def named(truth: dict[str, Any], style: str) -> set[int]:
    """The things that at least one of the captions names: noun and colour occur in it."""
    found: set[int] = set()
    for observation in observations(truth, style):
        frame = frame_at(truth, observation.stamp_ns)
        for said in observation.triples.objects:
            found |= set(meant(said.label, {a.text for a in said.attributes}, frame, truth))
    return found


def meant(label: str, attributes: set[str], frame: dict[str, Any], truth: dict[str, Any]) -> list[int]:
    """The things of a picture that a noun with attributes can mean."""
    normals = frozenset(map(normal, attributes))
    return [
        member
        for thing in frame["objects"]
        for member in thing["members"]
        if same_noun(label, thing["noun"]) and not conflict(normals, properties(truth["objects"][member]))
    ]


def same_noun(label: str, noun: str) -> bool:
    """Whether a remembered label names a thing of the ground truth."""
    return noun.endswith(label) or wordnet.same_thing(label, noun)


def properties(thing: Thing) -> frozenset[str]:
    """Attributes that a thing really has; a person's colour is that of the shirt, a plant's of the pot."""
    colour = [] if thing["noun"] in ("person", "plant") else [thing["colour"]]
    return frozenset(normal(text) for text in (*thing["attributes"], *colour) if text)


def frame_at(truth: dict[str, Any], stamp: int) -> dict[str, Any]:
    """The picture with a stamp."""
    return next(frame for frame in truth["frames"] if frame["stamp"] == stamp)


def evaluate(truth: dict[str, Any], style: str, config: MemoryConfig | None = None) -> dict[str, float]:
    """Fill a memory with the patrol and compare it with what there is."""
    memory = Memory.open(config=config or MemoryConfig(robot="patrol"))
    memory.observe(observations(truth, style))
    graph = memory.to_networkx()
    remembered = [
        node
        for _, node in graph.nodes(data=True)
        if node["kind"] == "object" and node["head"] not in STRUCTURE
    ]
    candidates: list[set[int]] = []
    for node in remembered:
        attributes = {one["text"] for one in node["attributes"] if one["current"]}
        seen: set[int] = set()
        for cited in node["evidence"]:
            seen |= set(meant(node["label"], attributes, frame_at(truth, cited["stamp"]), truth))
        candidates.append(seen)
    capacity = [max(1, node["count"] or 1) for node in remembered]
    pairs = _pair(candidates, capacity)
    told = named(truth, style)
    found = {thing for things in pairs for thing in things}
    errors = [
        math.dist(truth["objects"][things[0]]["position"][:2], _ahead(node["robot_pose"], 2.0))
        for node, things in zip(remembered, pairs, strict=True)
        if things and node["robot_pose"]
    ]
    walks = [
        math.dist(
            truth["objects"][things[0]]["position"][:2], (node["robot_pose"]["x"], node["robot_pose"]["y"])
        )
        for node, things in zip(remembered, pairs, strict=True)
        if things and node["robot_pose"]
    ]
    right = sum(1 for things in pairs if things)
    memory.close()
    return {
        "named things": len(told),
        "remembered objects": len(remembered),
        "precision": right / len(remembered),
        "recall": len(found & told) / len(told),
        "robot to thing, median (m)": median(walks),
        "place in view error, mean (m)": mean(errors),
        "place in view error, median (m)": median(errors),
    }


def announcements(
    truth: dict[str, Any], style: str, config: MemoryConfig | None = None
) -> tuple[list[tuple[float, str]], list[float]]:
    """What is announced on the patrol, asked for ten times a second.

    Returns:
        (seconds, sentence), and for each thing that was told how long it waited since it was first named.
    """
    memory = Memory.open(config=config or MemoryConfig(robot="patrol"))
    waiting = list(observations(truth, style))
    start = waiting[0].stamp_ns
    told: list[tuple[float, str]] = []
    waits: list[float] = []
    for tick in range(700):
        now = start + tick * 100_000_000
        while waiting and waiting[0].stamp_ns <= now:
            memory.observe(waiting.pop(0))
        before = _untold(memory)
        if sentence := memory.announce(now):
            told.append((tick / 10.0, sentence))
            after = _untold(memory)
            waits += [(now - first) / 1e9 for row, first in before.items() if row not in after]
    memory.close()
    return told, waits


def _untold(memory: Memory) -> dict[int, int]:
    return dict(map(tuple, memory.store.db.execute("SELECT id, first_seen FROM object WHERE told = 0")))


def _ahead(pose: dict[str, float], distance: float) -> tuple[float, float]:
    yaw = Pose("", **pose).yaw
    return pose["x"] + distance * math.cos(yaw), pose["y"] + distance * math.sin(yaw)


def _pair(candidates: list[set[int]], capacity: list[int]) -> list[list[int]]:
    """The largest one-to-one pairing (augmenting paths); "two counters" may take two things."""
    slots = [number for number, count in enumerate(capacity) for _ in range(count)]
    taken: dict[int, int] = {}

    def place(slot: int, tried: set[int]) -> bool:
        for thing in sorted(candidates[slots[slot]] - tried):
            tried.add(thing)
            if thing not in taken or place(taken[thing], tried):
                taken[thing] = slot
                return True
        return False

    for slot in range(len(slots)):
        place(slot, set())
    pairs: list[list[int]] = [[] for _ in candidates]
    for thing, slot in sorted(taken.items()):
        pairs[slots[slot]].append(thing)
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("truth", type=Path, nargs="?", default=Path("demo/patrol/ground_truth.json"))
    parser.add_argument("--style", choices=("default", "detailed"), default="detailed")
    args = parser.parse_args()
    truth = load(args.truth)
    for name, value in evaluate(truth, args.style).items():
        print(f"{name:34} {value:.3g}")
    told, waits = announcements(truth, args.style)
    print(f"{'sentences':34} {len(told)}")
    print(f"{'wait of a thing, median / max (s)':34} {median(waits):.1f} / {max(waits):.1f}")
    for second, sentence in told:
        print(f"{second:6.1f} s  {sentence}")


if __name__ == "__main__":
    main()
