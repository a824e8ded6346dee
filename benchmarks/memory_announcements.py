"""What is announced on a patrol, and how long a listener waits for it.

python -m benchmarks.memory_announcements demo/patrol/ground_truth.json --style detailed

The captions of a patrol are played, and the memory is asked for news when memory_node does. Nothing
is timed by a clock: two runs give the same numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.memory_patrol import frame_at, meant, named, observations, patrol_parser, read_patrol
from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.naming import plural_of


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


def main() -> None:
    told = announcements(*read_patrol(patrol_parser(__doc__).parse_args()))
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
