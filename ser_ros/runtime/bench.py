"""Measure a captioner stage by stage."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ser_ros.model.describe import describe
from ser_ros.runtime.bench_script import ScriptedEngine
from ser_ros.runtime.energy import EnergyMeter
from ser_ros.runtime.two_glances import TwoGlanceCaptioner

STAGES = ("preprocess", "tower", "connector", "prefill", "decode", "deeplens", "refine")
SECOND = ("deeplens", "refine")
_IMAGE = (480, 640, 3)
"""A common camera's resolution."""


def measure(
    captioner: TwoGlanceCaptioner,
    tokens: int,
    edits: int,
    iterations: int,
    *,
    power: bool = False,
    warm_up: int = 2,
    on_image: Callable[[], object] = lambda: None,
) -> dict:
    """Caption random images one at a time with captions of a fixed length.

    Args:
        captioner: what to measure.
        tokens: of each caption, the end token not counted.
        edits: tokens of the initial caption that the second glance replaces.
        iterations: images.
        power: count energy too.
        warm_up: images before those that count.
        on_image: called after each.

    Returns:
        `stages` (median seconds of each), `single_seconds` and `refined_seconds` (medians of one image with
        one glance and with both), `peak_rss_mb` (None where the system does not tell) and the arguments.
        With `power` also `joules_per_image` (source -> joules of both glances, empty without sources) and
        `watts` (source -> mean power).
    """
    engine = ScriptedEngine(captioner.engine, tokens, edits)
    second = captioner.config.deeplens is not None
    dice = np.random.default_rng(0)
    seconds: dict[str, list[float]] = defaultdict(list)
    meter = EnergyMeter() if power else None
    for iteration in range(warm_up + iterations):
        image = dice.integers(0, 256, _IMAGE).astype(np.uint8)
        if iteration == warm_up:
            start = time.perf_counter()
            if meter:
                meter.start()
        found = describe(engine, [image], refinements=int(second), max_tokens=tokens + 1)[0]
        if iteration < warm_up:
            continue
        for stage in STAGES:
            if second or stage not in SECOND:
                seconds[stage].append(found.timings.get(stage, 0.0))
        seconds["refined"].append(sum(found.timings.values()))
        seconds["single"].append(sum(v for k, v in found.timings.items() if k not in SECOND))
        on_image()
    joules = meter.stop() if meter else {}
    elapsed = time.perf_counter() - start
    energy = {
        "joules_per_image": {name: used / iterations for name, used in joules.items()},
        "watts": {name: used / elapsed for name, used in joules.items()},
    }
    return {
        "tokens": tokens,
        "edits": edits,
        "iterations": iterations,
        "second_glance": second,
        "stages": {stage: statistics.median(seconds[stage]) for stage in STAGES if stage in seconds},
        "single_seconds": statistics.median(seconds["single"]),
        "refined_seconds": statistics.median(seconds["refined"]),
        "peak_rss_mb": peak_rss_mb(),
        **(energy if meter else {}),
    }


def peak_rss_mb() -> float | None:
    """Most resident memory of this process since it began, in MB; None outside Linux."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next(
        (int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM")), None
    )
