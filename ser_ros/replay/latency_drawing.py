"""Latency of a replay: a dot plot over the frames and a table of stages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 860, 220  # pixels
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28


def draw_latency(milliseconds: Sequence[float]) -> str:
    """An SVG element with one dot a frame; "" without frames."""
    if not milliseconds:
        return ""
    median = float(np.median(milliseconds))
    step = _nice_step(max(milliseconds))
    top = step * math.ceil(max(milliseconds) / step)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def y(value: float) -> float:
        return TOP + tall * (1 - value / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' height="{HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="11" fill="#444">',
        f"<title>Latency of {len(milliseconds)} frames, median {median:.0f} ms</title>",
    ]
    for line in range(round(top / step) + 1):
        at = y(line * step)
        parts.append(f'<path d="M{LEFT},{at:.1f}H{WIDTH - RIGHT}" stroke="#e3e7ec"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{line * step:g}</text>')
    parts.append(f'<path d="M{LEFT},{y(median):.1f}H{WIDTH - RIGHT}" stroke="#0b63c4" stroke-width="1.5"/>')
    for index, value in enumerate(milliseconds):
        x = LEFT + wide * (index + 0.5) / len(milliseconds)
        parts.append(f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="2.2" fill="#0b63c4" fill-opacity=".55"/>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">first frame</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">last frame</text>')
    return "".join(parts) + "</svg>"


def stage_table(timings: Sequence[dict[str, float]]) -> list[tuple[str, str, str]]:
    """(stage, median, 95th percentile) in milliseconds, the total last.

    Args:
        timings: seconds per stage, one a frame.
    """
    stages = list(dict.fromkeys(key for one in timings for key in one if key not in ("index", "total")))
    rows = []
    for stage in [*stages, "total"]:
        values = [1000 * one[stage] for one in timings if stage in one]
        if values:
            rows.append((stage, f"{np.median(values):.1f}", f"{np.percentile(values, 95):.1f}"))
    return rows


def _nice_step(largest: float) -> float:
    rough = max(largest, 1e-3) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
