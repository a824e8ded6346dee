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
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

from ser_ros.graph import wordnet
from ser_ros.graph.memory import Memory, MemoryConfig, Observation, Pose
from ser_ros.graph.memory.speech import plural_of
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
                    part = {"noun": noun, "attributes": [], "colour": colour, "whole": member}
                    truth["objects"].append({**whole, "id": numbers[member, noun], **part})
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


@dataclass
class Told:
    """What was announced on a patrol.

    Attributes:
        sentences: (second, sentence).
        waits: seconds from the first caption that names a thing to the sentence that does, one for each.
        twice: sentences' words that tell of nothing but what was told before.
        never: nouns of things that captions named and no sentence did.
        possible: how many of the waits could have been 3 s or less with the same distance between
            sentences, for somebody who knows the future.
    """

    sentences: list[tuple[float, str]]
    waits: list[float]
    twice: list[str]
    never: list[str]
    possible: int


def announcements(truth: dict[str, Any], style: str, config: MemoryConfig | None = None) -> Told:
    """Play the captions of a patrol and ask, when memory_node does, what there is to tell."""
    memory = Memory.open(config=config or MemoryConfig(robot="patrol"))
    waiting = list(observations(truth, style))
    start = waiting[0].stamp_ns
    told = Told([], [], [], [], 0)
    covered: set[int] = set()
    first_seen: list[float] = []
    for now in _moments([one.stamp_ns for one in waiting]):
        if waiting and waiting[0].stamp_ns <= now:
            memory.observe(waiting.pop(0))
        before = _untold(memory)
        sentence = memory.announce(now)
        after = _untold(memory)
        if not sentence:
            continue
        told.sentences.append(((now - start) / 1e9, sentence))
        for row, (label, seen) in before.items():
            if row in after or not re.search(rf"\b({label}|{plural_of(label)})\b", sentence):
                continue  # known already, so passed over in silence
            told.waits.append(round((now - seen) / 1e9, 3))
            first_seen.append((seen - start) / 1e9)
            things = _things_of(memory, row, truth)
            if things and things <= covered:
                told.twice.append(label)
            covered |= things
    memory.close()
    whole = {thing["id"] for thing in truth["objects"] if "whole" not in thing}
    told.never += sorted(truth["objects"][thing]["noun"] for thing in (named(truth, style) & whole) - covered)
    told.possible = most_in_time(first_seen, MemoryConfig().announce_interval)
    return told


def _moments(stamps: list[int]) -> Iterator[int]:
    """When memory_node asks: after each image, and every 50 ms where none came for half a second."""
    for stamp, following in pairwise([*stamps, stamps[-1] + 10_000_000_000]):
        yield stamp
        yield from range(stamp + 500_000_000, following, 50_000_000)


def most_in_time(seconds: list[float], interval: float, wait: float = 3.0) -> int:
    """How many of the events can be told at most `wait` after they came, by sentences `interval` apart.

    By dynamic programming over tenths of a second: best[t] counts with the last sentence at t.
    """
    ticks, step = range(round(10 * (max(seconds) + interval)) + 1), round(10 * interval)
    came = sorted(math.ceil(10 * second - 1e-6) for second in seconds)
    reach = round(10 * wait)
    best: list[int] = []
    for tick in ticks:
        in_reach = [event for event in came if tick - reach <= event <= tick]
        earlier = [
            best[last] + sum(event > last for event in in_reach) for last in range(max(0, tick - step + 1))
        ]
        best.append(max(earlier, default=len(in_reach)))
    return max(best)


def _untold(memory: Memory) -> dict[int, tuple[str, int]]:
    rows = memory.store.db.execute("SELECT id, label, first_seen FROM object WHERE told = 0")
    return {row: (label, seen) for row, label, seen in rows}


def _things_of(memory: Memory, row: int, truth: dict[str, Any]) -> set[int]:
    """What an object of the memory can be, by the pictures it cites."""
    label, attributes = memory.store.db.execute(
        "SELECT label, attributes FROM object WHERE id = ?", (row,)
    ).fetchone()
    stamps = memory.store.db.execute(
        "SELECT stamp FROM evidence JOIN observation ON observation.id = observation WHERE object = ?", (row,)
    )
    texts = set(filter(None, attributes.split("|")))
    return {thing for (stamp,) in stamps for thing in meant(label, texts, frame_at(truth, stamp), truth)}


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
    told = announcements(truth, args.style)
    waits = sorted(told.waits)
    spread = " / ".join(f"{waits[int(share * (len(waits) - 1))]:.1f}" for share in (0.5, 0.9, 1.0))
    in_time = sum(wait <= 3.0 for wait in waits)
    print(f"{'sentences':34} {len(told.sentences)}")
    print(f"{'things told, within 3 s, possible':34} {len(waits)}, {in_time}, {told.possible}")
    print(f"{'wait, median / 90 % / max (s)':34} {spread}")
    print(f"{'told twice':34} {', '.join(told.twice) or 'none'}")
    print(f"{'never told':34} {', '.join(told.never) or 'none'}")
    for second, sentence in told.sentences:
        print(f"{second:6.1f} s  {sentence}")


if __name__ == "__main__":
    main()
