"""What a metric gives back: one number for the set, one per image, and how to resample it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Metric:
    """One row of the result.

    Attributes:
        name: as printed; a variant says so: "SPICE(ser)", "CAPTURE(variant)".
        value: score of the whole set, or None where it could not be computed.
        per_image: [N] float64 in the order of the images; NaN where an image has no score.
        note: why it is absent, or with what it was computed.
        resample: indices [N] of images → value of that set; None takes the mean of `per_image`.
        details: anything else for the JSON.
    """

    name: str
    value: float | None
    per_image: np.ndarray | None = None
    note: str = ""
    resample: Callable[[np.ndarray], float] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def of(self, images: np.ndarray) -> float:
        """The metric over a multiset of images given by their indices."""
        if self.resample:
            return self.resample(images)
        assert self.per_image is not None
        scores = self.per_image[images]
        scores = scores[~np.isnan(scores)]
        return float(scores.mean()) if len(scores) else float("nan")


def mean_metric(name: str, per_image: list[float] | np.ndarray, note: str = "", **details: Any) -> Metric:
    """A metric that is the mean of its images; images without a score (NaN) are counted, not zeroed."""
    scores = np.asarray(per_image, np.float64)
    failed = int(np.isnan(scores).sum())
    if failed:
        details["without_score"] = failed
        note = f"{note}; {failed} of {len(scores)} images without score".lstrip("; ")
    value = float(np.nanmean(scores)) if failed < len(scores) else None
    return Metric(name, value, scores, note, details=details)
