"""How long the memory takes and how big it gets: after a week of patrols, and at 50,000 objects.

python benchmarks/memory.py [week|town] [--observations 100800] [--objects 50000] [--hertz 10] [--runs 3]
    [--folder DIR]

Captions are drawn from a small grammar and parsed once, so that the memory alone is measured. The week
is four hours of patrol a day at one image a second through a hall of 40 x 40 m in which every caption
names other things: far more than a home holds, so that the bounds of the memory are at work all the time.
Updates are measured at `--hertz` images a second; 0 sends each right after the one before. A question is
asked right after an update, so that nothing is known from the last one.
The same is done `--runs` times, each time on a copy of the same file. "as it came" is the time that passed in
the first run; "least" is the computing of each update, or question, in the shortest of its runs: what the
memory itself costs, without what the machine adds now and then. How much that is shows the first row, where
the work is the same each time.
Bars: update below 20 ms after 100,000 observations, question below 50 ms at 50,000 objects, the week
below 200 MB. `--folder` keeps the two files and measures them again without filling them anew.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

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
MEASURED = 300
REPEATS = 20  # of each question
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
    "how many chairs are near the sofa",
    "is there an animal",
    "furniture near the window",
    "what do you see",
    "where was the red chair an hour ago",
    "what was on the white table yesterday",
    "what moved in the last hour",
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


class Took(NamedTuple):
    """Seconds that passed, and those of them that this thread computed."""

    passed: float
    computed: float


def rows(name: str, runs: list[list[Took]], bar: str) -> None:
    """Print milliseconds of the first run, and the least of all: median, 95 %, worst; and the bar."""
    least = [min(took.computed for took in same) for same in zip(*runs, strict=True)]
    for how, seconds in (("as it came", [took.passed for took in runs[0]]), (f"least of {len(runs)}", least)):
        ordered = sorted(seconds)
        shares = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 1.0))
        numbers = "  ".join(f"{1e3 * value:8.2f}" for value in shares)
        print(f"{name:40} {how:12} {numbers}   {bar}", flush=True)


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


def paced(hertz: float, count: int = MEASURED) -> Iterator[None]:
    """Comes so many times a second."""
    due = time.perf_counter()
    for _ in range(count):
        due += 1.0 / hertz if hertz else 0.0
        time.sleep(max(0.0, due - time.perf_counter()))
        yield


def timed(work: Callable[[], object]) -> Took:
    """How long the work takes."""
    begin, computed = time.perf_counter(), time.thread_time()
    work()
    return Took(time.perf_counter() - begin, time.thread_time() - computed)


def same_each_time(hertz: float) -> list[Took]:
    """The same 1,500 look-ups in a table in RAM, again and again."""
    db, chance = sqlite3.connect(":memory:"), random.Random(0)
    db.execute("CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT)")
    db.executemany("INSERT INTO text VALUES (?, ?)", ((number, "x" * 100) for number in range(200_000)))
    numbers = [chance.randrange(200_000) for _ in range(1500)]

    def work() -> None:
        for number in numbers:
            db.execute("SELECT text FROM text WHERE id = ?", (number,)).fetchone()

    return [timed(work) for _ in paced(hertz)]


def update(memory: Memory, spread: float, hertz: float) -> list[Took]:
    """Each of `MEASURED` updates of five things."""
    images = list(islice(following(memory, spread), MEASURED))
    return [timed(partial(memory.observe, image)) for image, _ in zip(images, paced(hertz), strict=True)]


def ask(memory: Memory, spread: float, questions: Sequence[str]) -> dict[str, list[Took]]:
    """Each question, each time after another update."""
    found: dict[str, list[Took]] = {question: [] for question in questions}
    images = following(memory, spread)
    for _ in range(REPEATS):
        for question in questions:
            memory.observe(next(images))
            found[question].append(timed(partial(memory.query, question)))
    return found


def size(memory: Memory) -> str:
    """Objects, bytes in use, and bytes of the file with its log."""
    counts, path = memory.counts(), Path(memory.store.path)
    files = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    used = f"{counts['bytes'] / 1e6:.0f} MB in use, {files / 1e6:.0f} MB on disk"
    return f"  {counts['objects']:,} objects, {used}"


def measure(
    name: str,
    path: Path,
    config: MemoryConfig,
    spread: float,
    args: argparse.Namespace,
    questions: Sequence[str] = (),
) -> None:
    """Updates and questions, `args.runs` times from the same file, and the size after that."""
    updates, answers = [], []
    copy = path.with_name(f"measured_{path.name}")
    for _ in range(args.runs):
        for leftover in path.parent.glob(f"{copy.name}*"):
            leftover.unlink()  # the log of a killed run too
        shutil.copy(path, copy)
        with Memory.open(copy, config) as memory:
            memory.warm_up()
            gc.collect()
            gc.freeze()  # as the process of memory_node does
            updates.append(update(memory, spread, args.hertz))
            answers.append(ask(memory, spread, questions))
            held = size(memory)
        copy.unlink()
    rows(f"update {name}", updates, "bar 20 ms")
    print(held)
    for question in questions:
        rows(f"  {question}", [run[question] for run in answers], "bar 50 ms")


def week(folder: Path, args: argparse.Namespace) -> None:
    """After a week of patrols."""
    config, path = MemoryConfig(robot="bench"), folder / "week.db"
    with Memory.open(path, config) as memory:
        if not memory.now_ns:
            fill(memory, args.observations, HALL, 2)
    measure(f"after {args.observations:,} observations", path, config, HALL, args)


def town(folder: Path, args: argparse.Namespace) -> None:
    """At so many objects; only their number bounds this memory, so that it stays at that number."""
    config, path = MemoryConfig(robot="bench", max_objects=args.objects, forget_after=0.0), folder / "town.db"
    side = 5.0 * math.sqrt(args.objects)
    with Memory.open(path, config) as memory:
        if not memory.now_ns:
            fill(memory, args.objects // 3 + 2 * MEASURED, side, 3)
    measure(f"at {args.objects:,} objects", path, config, side, args, QUESTIONS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", choices=("week", "town"), help="one of them alone")
    parser.add_argument("--observations", type=int, default=7 * PATROL)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument(
        "--hertz", type=float, default=10.0, help="updates a second; 0 waits for nothing (10)"
    )
    parser.add_argument("--runs", type=int, default=3, help="measure so many times, from the same file (3)")
    parser.add_argument("--folder", type=Path, help="keep the two files here")
    args = parser.parse_args()
    print(f"{'ms':53} {'median':>8}  {'95 %':>8}  {'worst':>8}")
    rows("the same each time", [same_each_time(args.hertz) for _ in range(args.runs)], "")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name, measured in (("week", week), ("town", town)):
            if args.file in (None, name):
                measured(folder, args)


if __name__ == "__main__":
    main()
