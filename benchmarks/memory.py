"""How long the memory takes: updates while it grows to 100,000 observations, questions at 50,000 objects.

python benchmarks/memory.py [--observations 100000] [--objects 50000]

Captions are drawn from a small grammar and parsed once, so that the memory alone is measured. Bars:
update below 20 ms, question below 50 ms, a week of patrols (one image a second) below 200 MB.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from pathlib import Path

from ser_ros.graph.memory import Memory, MemoryConfig, Observation, Pose
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span

COLOURS = ("red", "blue", "green", "white", "black", "brown", "grey", "yellow")
NOUNS = (
    "chair", "table", "sofa", "lamp", "plant", "box", "ball", "mug", "bottle", "book", "laptop",
    "monitor", "bin", "shelf", "rug", "cat", "dog", "bed", "desk", "stool", "clock", "picture",
    "mirror", "vase", "bowl", "backpack", "suitcase", "guitar", "bookcase", "counter", "stove",
    "sink", "towel", "pillow", "phone", "keyboard", "cup", "plate", "knife", "bag",
)  # fmt: skip
MEASURED = 1000
QUESTIONS = (
    "where is the red chair?",
    "where did you last see the dog",
    "what is on the white table",
    "chairs near the sofa",
    "what changed in the last 10 minutes",
    "fire extinguisher",
    "how many beds are there",
    "is there an animal",
)


def scene(chance: random.Random, things: int) -> SceneTriples:
    """A caption of some things, each on or next to the one before it."""
    words, objects, relations = [], [], []
    at = 0
    for number in range(things):
        colour, noun = chance.choice(COLOURS), chance.choice(NOUNS)
        if number:
            predicate = chance.choice(("on", "next to"))
            words.append(predicate)
            relations.append(SceneRelation(number - 1, predicate, number, Span(at, at + len(predicate)), 0.9))
            at += len(predicate) + 1
        spans = (
            Span(at + 2, at + 2 + len(colour)),
            Span(at + 3 + len(colour), at + 3 + len(colour) + len(noun)),
        )
        phrase = f"a {colour} {noun}"
        words.append(phrase)
        objects.append(
            SceneObject(number, noun, noun, noun, None, (Attribute(colour, spans[0]),), spans[1], 0.9)
        )
        at += len(phrase) + 1
    return SceneTriples(" ".join(words), tuple(objects), tuple(relations))


def percentile(seconds: list[float], share: float) -> float:
    """Milliseconds that `share` of the durations stay below."""
    ordered = sorted(seconds)
    return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(name: str, seconds: list[float], bar: float) -> None:
    """Print one line: median, 99 %, worst, and the bar."""
    numbers = "  ".join(f"{percentile(seconds, share):8.2f}" for share in (0.5, 0.99, 1.0))
    print(f"{name:44} {numbers}   bar {bar:g} ms")


def grow(memory: Memory, count: int, spread: float, things: int, first: int = 0) -> list[float]:
    """Observe `count` images from poses over a square of `spread` metres; returns seconds of each.

    Args:
        things: in each caption.
        first: number of the first image, which is its stamp in seconds.
    """
    chance = random.Random(first)
    seconds = []
    for number in range(first, first + count):
        x, y = chance.uniform(0.0, spread), chance.uniform(0.0, spread)
        half = chance.uniform(-math.pi, math.pi) / 2.0
        pose = Pose("map", x, y, 0.0, 0.0, 0.0, math.sin(half), math.cos(half))
        observation = Observation(number * 1_000_000_000 + 1, "front", scene(chance, things), pose)
        begin = time.perf_counter()
        memory.observe(observation)
        seconds.append(time.perf_counter() - begin)
    return seconds


def ask(memory: Memory, repeats: int = 5) -> dict[str, list[float]]:
    """Seconds of each question, after one that is not counted."""
    memory.warm_up()
    found: dict[str, list[float]] = {}
    for question in QUESTIONS:
        memory.query(question)
        for _ in range(repeats):
            begin = time.perf_counter()
            memory.query(question)
            found.setdefault(question, []).append(time.perf_counter() - begin)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--observations", type=int, default=100_000)
    parser.add_argument("--objects", type=int, default=50_000)
    args = parser.parse_args()
    print(f"{'ms':44} {'median':>8}  {'99 %':>8}  {'worst':>8}")
    with tempfile.TemporaryDirectory() as folder:
        with Memory.open(Path(folder) / "home.db", MemoryConfig(robot="bench")) as memory:
            grow(memory, args.observations, 40.0, 2)
            seconds = grow(memory, MEASURED, 40.0, 5, first=args.observations)
            row(f"update of five things after {args.observations:,}", seconds, 20)
            counts = memory.counts()
            print(f"  objects {counts['objects']:,}, {counts['bytes'] / 1e6:.0f} MB")
        config = MemoryConfig(robot="bench", max_objects=args.objects)
        with Memory.open(Path(folder) / "town.db", config) as memory:
            side = 5.0 * math.sqrt(args.objects)
            seconds = grow(memory, args.objects // 3, side, 3)
            counts = memory.counts()
            row(f"update at {counts['objects']:,} objects", seconds[-MEASURED:], 20)
            print(f"  {counts['bytes'] / 1e6:.0f} MB")
            for question, times in ask(memory).items():
                row(f"  {question}", times, 50)


if __name__ == "__main__":
    main()
