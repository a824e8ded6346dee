"""Time and memory of the caption parser on one core.

    OMP_NUM_THREADS=1 python benchmarks/parser.py

Prints CPU time (not wall time, so other work on the machine disturbs it less) of both readers for a
short and a long caption, the cost of loading, the growth with length, and the peak memory.
"""

from __future__ import annotations

import resource
import statistics
import time

START = time.process_time()

from ser_ros.graph.parser import ReaderName, parse  # noqa: E402

SHORT = "a young man in a red shirt is riding a bicycle down the street"
LONG = (
    "The image shows a cozy living room with a large gray sofa against the wall. In front of the sofa there "
    "is a low coffee table with a vase of flowers and two books on it. A lamp stands in the corner, and a "
    "cat is sleeping on the rug next to the wooden chair by the window."
)
REPEATS = 200
READERS: tuple[ReaderName, ...] = ("rules", "trained")


def milliseconds(caption: str, reader: ReaderName, repeats: int = REPEATS) -> float:
    """Median CPU time of one call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        parse(caption, reader)
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    """Measure and print."""
    for reader in READERS:
        parse(SHORT, reader)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = time.process_time() - START
        print(f"load up to the first {reader:7} caption: {seconds:.2f} s, {megabytes:.0f} MB")
    table = {}
    for name, caption in (("short", SHORT), ("long", LONG)):
        for reader in READERS:
            parse(caption, reader)
            table[name, reader] = milliseconds(caption, reader)
        words = len(caption.split())
        print(
            f"{words:3} words: rules {table[name, 'rules']:.2f} ms, trained {table[name, 'trained']:.2f} ms, "
            f"ratio {table[name, 'trained'] / table[name, 'rules']:.1f}"
        )
    for reader in READERS:
        small, large = (milliseconds(LONG * n, reader, 3) for n in (10, 100))
        print(f"ten times the text, {reader}: {large / small:.1f} times the time")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
