"""How well the memory remembers a patrol: against the ground truth of the simulated home.

python benchmarks/memory_patrol.py demo/patrol/ground_truth.json --style detailed
ser_ros replay demo/patrol/bag --out run; python benchmarks/memory_patrol.py --captions run/captions.jsonl

The captions are those of the ground truth, so that only the memory is measured, or those of a model. A
remembered object is right when it pairs, one to one, with a thing that some caption named: same noun, no
contradicting colour, and the thing in one of the pictures that the memory cites. Walls and floors are left
out; shirts and flower pots are things. What stands twice in the memory lowers the precision, what was
merged wrongly the recall. Then the fixed questions are asked.
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
from ser_ros.graph.memory import Answer, Memory, MemoryConfig, Observation, Pose
from ser_ros.graph.memory.vocabulary import STRUCTURE, conflict, normal
from ser_ros.graph.parser import parse

Thing = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]


def load(path: Path) -> dict[str, Any]:
    """The ground truth of a patrol."""
    truth = json.loads(path.read_text())
    _add_parts(truth)
    return truth


def add_captions(truth: dict[str, Any], path: Path) -> None:
    """Give each picture the refined caption of a replay, as the style "model"."""
    said = {one["stamp"]: one for one in map(json.loads, path.read_text().splitlines())}
    for frame in truth["frames"]:
        one = said.get(int(frame["stamp"]), {"refined": "", "confidence": 0.0})
        frame["captions"]["model"] = [one["refined"]] if one["refined"] else []
        frame["confidence"] = one["confidence"]


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
            sure = frame["confidence"] if style == "model" else 1.0
            yield Observation(int(frame["stamp"]), "front", parse(caption), pose_of(frame), sure)


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


def is_right(answer: Answer, question: dict[str, Any], truth: dict[str, Any]) -> bool:
    """Whether an answer is that of `patrol_questions.json`: the thing, its room, the words it begins with."""
    if not answer.speech.startswith(question.get("speech", "")):
        return False
    if not answer.matches or not question["things"]:
        return not answer.matches and not question["things"]
    best = answer.matches[0]
    things = meant(best.label, set(best.attributes), frame_at(truth, best.stamp_ns), truth)
    return bool(set(things) & set(question["things"])) and best.room == question.get("room", best.room)


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


def patrol_parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that choose a patrol and the captions of it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("truth", type=Path, nargs="?", default=ROOT / "demo/patrol/ground_truth.json")
    parser.add_argument("--style", choices=("default", "detailed"), default="detailed")
    parser.add_argument("--captions", type=Path, help="captions.jsonl of a replay, instead of the true ones")
    return parser


def read_patrol(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The ground truth that was chosen, and the style of its captions to take."""
    truth = load(args.truth)
    if not args.captions:
        return truth, args.style
    add_captions(truth, args.captions)
    return truth, "model"


def main() -> None:
    parser = patrol_parser(__doc__)
    parser.add_argument(
        "--questions", type=Path, default=ROOT / "tests/graph/patrol_questions.json", help="of this patrol"
    )
    args = parser.parse_args()
    truth, style = read_patrol(args)
    for name, value in evaluate(truth, style).items():
        print(f"{name:34} {value:.3g}")
    questions = json.loads(args.questions.read_text())
    with Memory.open(config=MemoryConfig(robot="patrol", timezone="UTC")) as memory:
        memory.observe(observations(truth, style))
        answers = [(question, memory.query(question["ask"])) for question in questions]
    right = [is_right(answer, question, truth) for question, answer in answers]
    print(f"{'questions, answered right':34} {len(right)}, {sum(right)}")
    for good, (question, answer) in zip(right, answers, strict=True):
        print(f"  {'right' if good else 'WRONG'}  {question['ask']}\n         {answer.speech}")


if __name__ == "__main__":
    main()
