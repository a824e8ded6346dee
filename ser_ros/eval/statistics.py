"""How sure a score is: bootstrap intervals, and whether two prediction files differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_ros.eval.metric import Metric

DRAWS = 1000


def add_intervals(metrics: Sequence[Metric], images: int, seed: int = 0, draws: int = DRAWS) -> None:
    """Percentile bootstrap over images: puts `interval`, the 95 % bounds, into each metric's details."""
    if images < 2:
        return
    picks = np.random.default_rng(seed).integers(0, images, (draws, images))
    for metric in metrics:
        if metric.value is not None and metric.per_image is not None:
            values = np.array([metric.of(pick) for pick in picks])
            low, high = np.nanpercentile(values, [2.5, 97.5])
            metric.details["interval"] = [float(low), float(high)]


def paired_difference(ours: Metric, theirs: Metric, seed: int = 0, draws: int = DRAWS) -> dict[str, Any]:
    """Paired bootstrap of `ours` minus `theirs` on the same images.

    Returns:
        difference, its 95 % interval, and p: the two-sided share of draws on the other side of 0.
    """
    assert ours.per_image is not None
    assert theirs.per_image is not None
    assert ours.value is not None
    assert theirs.value is not None
    count = len(ours.per_image)
    picks = np.random.default_rng(seed).integers(0, count, (draws, count))
    differences = np.array([ours.of(pick) - theirs.of(pick) for pick in picks])
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    side = min((differences <= 0).sum(), (differences >= 0).sum())
    return {
        "difference": ours.value - theirs.value,
        "interval": [float(low), float(high)],
        "p": float(min(1.0, 2 * (side + 1) / (draws + 1))),
    }
