"""Colours by their everyday names, and how one is drawn with natural variation."""

from __future__ import annotations

import colorsys

import numpy as np

RGB = tuple[float, float, float]

# Centre of each colour word in HSV; hue in turns.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.995, 0.88, 0.78),
    "orange": (0.075, 0.92, 0.95),
    "yellow": (0.145, 0.85, 0.95),
    "green": (0.36, 0.75, 0.58),
    "blue": (0.60, 0.82, 0.78),
    "purple": (0.77, 0.62, 0.62),
    "pink": (0.93, 0.42, 0.97),
    "brown": (0.065, 0.68, 0.42),
    "white": (0.10, 0.03, 0.95),
    "gray": (0.60, 0.05, 0.50),
    "black": (0.60, 0.10, 0.10),
}
VIVID = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
CLOTH = ("red", "blue", "green", "gray", "purple", "yellow", "white", "brown")
WOOD = ("brown", "white", "black")

WOOD_RGB: RGB = (0.50, 0.32, 0.17)
METAL: RGB = (0.62, 0.64, 0.67)
DARK: RGB = (0.09, 0.09, 0.10)
WHITE: RGB = (0.93, 0.93, 0.91)
SKIN: tuple[RGB, ...] = ((0.93, 0.75, 0.62), (0.78, 0.57, 0.42), (0.50, 0.33, 0.23), (0.36, 0.23, 0.16))


def shade(name: str, rng: np.random.Generator) -> RGB:
    """One RGB in [0, 1] that a person would call `name`."""
    hue, saturation, value = COLOURS[name]
    hue = (hue + rng.normal(0.0, 0.008)) % 1.0
    saturation = float(np.clip(saturation + rng.normal(0.0, 0.03), 0.0, 1.0))
    value = float(np.clip(value + rng.normal(0.0, 0.03), 0.0, 1.0))
    return colorsys.hsv_to_rgb(hue, saturation, value)


def mix(colour: RGB, other: RGB, share: float) -> RGB:
    """`colour` with `share` of `other` in it."""
    r, g, b = (a * (1 - share) + o * share for a, o in zip(colour, other, strict=True))
    return r, g, b


def darker(colour: RGB, share: float = 0.3) -> RGB:
    """`colour` towards black."""
    return mix(colour, (0.0, 0.0, 0.0), share)


def lighter(colour: RGB, share: float = 0.3) -> RGB:
    """`colour` towards white."""
    return mix(colour, (1.0, 1.0, 1.0), share)
