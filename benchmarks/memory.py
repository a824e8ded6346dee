"""How long the memory takes and how big it gets: after a week of patrols, and at 50,000 objects.

python benchmarks/memory.py [--observations 100800] [--objects 50000] [--hertz 10] [--folder DIR]

Captions are drawn from a small grammar and parsed once, so that the memory alone is measured. The week
is four hours of patrol a day at one image a second through a hall of 40 x 40 m in which every caption
names other things: far more than a home holds, so that the bounds of the memory are at work all the time.
Updates are measured at `--hertz` images a second; 0 sends each right after the one before. A question is
asked right after an update, so that nothing is known from the last one.
Bars: update below 20 ms after 100,000 observations, question below 50 ms at 50,000 objects, the week
below 200 MB. `--folder` keeps the two files and measures them again without filling them anew.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
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
ROOMS = ("kitchen", "office", "bedroom", "bathroom", "hallway", "garage")
ROOM = 10.0  # metres
NAMES_ROOM = 0.2  # of the captions
MEASURED = 600
BATCH = 100
PATROL = 4 * 3600  # images a day
HALL = 40.0  # metres
QUESTIONS = (
    "where is the red chair?",
    "where did you last see the dog",
    "the chair in the kitchen",
    "what is on the white table",
    "what is in the kitchen",
    "chairs near the sofa",
    "what is near the sofa",
    "what changed in the last 10 minutes",
    "what is new in the kitchen today",
    "fire extinguisher",
    "how many beds are there",
    "how many chairs are in the kitchen",
    "is there an animal",
    "furniture near the window",
    "what do you see",
)


def scene(chance: random.Random, things: int, room: str = "") -> SceneTriples:
    """A caption of some things, each on or next to the one before it, in a room where one is given."""
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
    if room:
        words.append(f"in a {room}")
        span = Span(at + 5, at + 5 + len(room))
        objects.append(SceneObject(things, room, room, room, None, (), span, 0.9))
    return SceneTriples(" ".join(words), tuple(objects), tuple(relations))


def row(name: str, seconds: list[float], bar: float) -> None:
    """Print one line: the median, 95 %, the worst, and the bar, in milliseconds."""
    ordered = sorted(seconds)
    shares = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 1.0))
    print(f"{name:44} {'  '.join(f'{1e3 * value:8.2f}' for value in shares)}   bar {bar:g} ms", flush=True)


def patrol(numbers: range, spread: float, things: int) -> Iterator[Observation]:
    """One image a second for four hours of each day, from poses over a square of `spread` metres.

    Args:
        numbers: of the images; the same number gives the same image.
        things: in each caption.
    """
    for number in numbers:
        chance = random.Random(number)
        x, y = chance.uniform(0.0, spread), chance.uniform(0.0, spread)
        half = chance.uniform(-math.pi, math.pi) / 2.0
        pose = Pose("map", x, y, 0.0, 0.0, 0.0, math.sin(half), math.cos(half))
        day, second = divmod(number, PATROL)
        stamp = (day * 86_400 + second) * 1_000_000_000 + 1
        room = ROOMS[(int(x / ROOM) + 3 * int(y / ROOM)) % len(ROOMS)]
        named = room if chance.random() < NAMES_ROOM else ""
        yield Observation(stamp, "front", scene(chance, things, named), pose)


def fill(memory: Memory, count: int, spread: float, things: int) -> None:
    """Observe the first `count` images, many in a transaction."""
    for first in range(0, count, BATCH):
        memory.observe(patrol(range(first, min(count, first + BATCH)), spread, things))


def following(memory: Memory, spread: float, things: int = 5) -> Iterator[Observation]:
    """Images after the newest one."""
    day, second = divmod(memory.now_ns // 1_000_000_000, 86_400)
    first = day * PATROL + second + 1
    return patrol(range(first, first + PATROL), spread, things)


def update(memory: Memory, spread: float, hertz: float) -> tuple[list[float], list[float]]:
    """Seconds of each of `MEASURED` updates of five things, and those of them that it computed."""
    seconds, computing = [], []
    memory.warm_up()
    due = time.perf_counter()
    for observation in islice(following(memory, spread), MEASURED):
        due += 1.0 / hertz if hertz else 0.0
        time.sleep(max(0.0, due - time.perf_counter()))
        begin, computed = time.perf_counter(), time.thread_time()
        memory.observe(observation)
        seconds.append(time.perf_counter() - begin)
        computing.append(time.thread_time() - computed)
    return seconds, computing


def ask(memory: Memory, spread: float, repeats: int = 20) -> dict[str, list[float]]:
    """Seconds of each question, each time after another update."""
    memory.warm_up()
    found: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    images = following(memory, spread)
    for _ in range(repeats):
        for question in QUESTIONS:
            memory.observe(next(images))
            begin = time.perf_counter()
            memory.query(question)
            found[question].append(time.perf_counter() - begin)
    return found


def size(memory: Memory) -> str:
    """Objects, bytes in use, and bytes of the file with its log."""
    counts, path = memory.counts(), Path(memory.store.path)
    files = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    used = f"{counts['bytes'] / 1e6:.0f} MB in use, {files / 1e6:.0f} MB on disk"
    return f"  {counts['objects']:,} objects, {used}"


def measure_week(path: Path, observations: int, hertz: float) -> None:
    """Updates and size after a week of patrols."""
    with Memory.open(path, MemoryConfig(robot="bench")) as memory:
        if not memory.now_ns:
            fill(memory, observations, HALL, 2)
        seconds, computing = update(memory, HALL, hertz)
        row(f"update after {observations:,} observations", seconds, 20)
        row("  of it computing, not waiting", computing, 20)
        print(size(memory))


def measure_town(path: Path, objects: int, hertz: float) -> None:
    """Updates and questions at so many objects."""
    # Only the number of objects bounds this one, so that it stays at that number.
    config, side = (
        MemoryConfig(robot="bench", max_objects=objects, forget_after=0.0),
        5.0 * math.sqrt(objects),
    )
    with Memory.open(path, config) as memory:
        if not memory.now_ns:
            fill(memory, objects // 3 + MEASURED, side, 3)
        seconds, computing = update(memory, side, hertz)
        row(f"update at {objects:,} objects", seconds, 20)
        row("  of it computing, not waiting", computing, 20)
        print(size(memory))
        for question, seconds in ask(memory, side).items():
            row(f"  {question}", seconds, 50)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--observations", type=int, default=7 * PATROL)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument(
        "--hertz", type=float, default=10.0, help="updates a second; 0 waits for nothing (10)"
    )
    parser.add_argument("--folder", type=Path, help="keep the two files here")
    args = parser.parse_args()
    print(f"{'ms':44} {'median':>8}  {'95 %':>8}  {'worst':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        measure_week(folder / "week.db", args.observations, args.hertz)
        measure_town(folder / "town.db", args.objects, args.hertz)


if __name__ == "__main__":
    main()
