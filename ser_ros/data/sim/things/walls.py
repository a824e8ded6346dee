"""Things that hang on or stand in a wall; their back is at y = 0 and they reach towards -y."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim import textures
from ser_ros.data.sim.palette import DARK, METAL, RGB, WHITE, darker, lighter
from ser_ros.data.sim.parts import Parts


def door_closed(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A panelled leaf in its frame, with a handle."""
    frame = WHITE if rng.random() < 0.6 else lighter(c, 0.3)
    _frame(p, frame)
    p.box((0, -0.03, 1.0), (0.84, 0.04, 2.0), c)
    for z, h in ((0.5, 0.7), (1.42, 0.85)):
        for x in (-0.2, 0.2):
            p.box((x, -0.055, z), (0.28, 0.015, h), darker(c, 0.14))
    p.rod((0.33, -0.06, 1.0), (0.33, -0.11, 1.0), 0.02, METAL, "metal")
    p.rod((0.35, -0.11, 1.0), (0.23, -0.11, 1.0), 0.016, METAL, "metal")


def door_open(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """The leaf swung into the room; behind it a dim passage."""
    frame = WHITE if rng.random() < 0.6 else lighter(c, 0.3)
    _frame(p, frame)
    p.box((0, -0.006, 1.0), (0.86, 0.012, 2.0), (0.07, 0.065, 0.06))
    p.box((0, -0.013, 0.05), (0.86, 0.004, 0.1), (0.3, 0.25, 0.2))
    side, angle = (-1 if rng.random() < 0.5 else 1), np.radians(rng.uniform(60, 80))
    hinge = side * 0.43
    dx, dy = -side * np.cos(angle) * 0.42, -np.sin(angle) * 0.42
    turn = float(np.degrees(np.arctan2(dy, dx)))
    p.box((hinge + dx, -0.03 + dy, 1.0), (0.84, 0.04, 2.0), c, euler=(0, 0, turn))
    tip = (hinge + dx * 1.8, -0.03 + dy * 1.8, 1.0)
    p.ball(tip, 0.045, METAL, finish="metal")


def _frame(p: Parts, c: RGB) -> None:
    for x in (-1, 1):
        p.box((x * 0.47, -0.03, 1.03), (0.1, 0.1, 2.06), c)
    p.box((0, -0.03, 2.08), (1.04, 0.1, 0.1), c)


def window(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Four panes with the view outside; z is measured from its middle."""
    w, h = rng.uniform(0.9, 1.3), rng.uniform(0.9, 1.1)
    p.box((0, -0.01, 0), (w, 0.012, h), (1, 1, 1), finish="glow", texture=textures.outside(rng))
    for x in (-1, 1):
        p.box((x * w / 2, -0.03, 0), (0.07, 0.07, h + 0.07), c)
    for z in (-1, 1):
        p.box((0, -0.03, z * h / 2), (w + 0.07, 0.07, 0.07), c)
    p.box((0, -0.025, 0), (0.045, 0.05, h), c)
    p.box((0, -0.025, 0.1), (w, 0.05, 0.045), c)
    p.box((0, -0.08, -h / 2 - 0.03), (w + 0.16, 0.16, 0.04), WHITE)


def curtains(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two gathered curtains on a rod, with a strip of daylight between; z from the floor."""
    w = rng.uniform(1.2, 1.5)
    p.box((0, -0.01, 1.35), (w * 0.6, 0.012, 1.4), (1, 1, 1), finish="glow", texture=textures.outside(rng))
    p.rod((-w / 2 - 0.15, -0.1, 2.15), (w / 2 + 0.15, -0.1, 2.15), 0.02, DARK)
    for side in (-1, 1):
        for i in range(5):
            x = side * (w / 2 - 0.04 - i * 0.095)
            p.rod((x, -0.09, 0.1), (x, -0.09, 2.13), 0.055, c if i % 2 else darker(c, 0.12))


def picture(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A framed painting; z is measured from its middle."""
    w, h = rng.uniform(0.55, 0.85), rng.uniform(0.5, 0.7)
    p.box((0, -0.02, 0), (w, 0.04, h), c)
    p.box((0, -0.043, 0), (w - 0.1, 0.006, h - 0.1), (1, 1, 1), texture=textures.painting(rng))


def mirror(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A silvery oval or square mirror in a coloured frame; z is measured from its middle."""
    if rng.random() < 0.5:
        p.turned([(0.33, 0), (0.33, 0.03)], c, euler=(90, 0, 0))
        p.turned([(0.28, 0.03), (0.28, 0.035)], (0.74, 0.82, 0.86), euler=(90, 0, 0), finish="metal")
    else:
        p.box((0, -0.02, 0), (0.6, 0.03, 0.8), c)
        p.box((0, -0.038, 0), (0.5, 0.006, 0.7), (0.74, 0.82, 0.86), finish="metal")
    for x in (-0.08, 0.02):
        p.box((x, -0.046, 0.03), (0.02, 0.002, 0.42), (0.93, 0.96, 0.98), euler=(0, 30, 0))


def whiteboard(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """An office board with a few strokes; z is measured from its middle."""
    p.box((0, -0.015, 0), (1.3, 0.03, 0.85), METAL)
    p.box((0, -0.032, 0), (1.22, 0.006, 0.77), c, finish="gloss")
    p.box((0, -0.06, -0.43), (1.0, 0.09, 0.03), METAL)
    for z in np.linspace(0.26, -0.2, 4):
        width = rng.uniform(0.3, 0.8)
        p.box((-0.5 + width / 2, -0.037, z), (width, 0.004, 0.022), (0.1, 0.2, 0.6))


def towel(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A towel on a rail; z is measured from the rail."""
    p.rod((-0.36, -0.09, 0), (0.36, -0.09, 0), 0.015, METAL, "metal")
    for x in (-0.34, 0.34):
        p.rod((x, 0, 0), (x, -0.09, 0), 0.012, METAL, "metal")
    p.soft((0, -0.09, -0.3), (0.5, 0.07, 0.66), c, roundness=0.8)
    p.box((0, -0.128, -0.52), (0.5, 0.004, 0.05), lighter(c, 0.5))


def rug(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A carpet on the floor."""
    w, d = rng.uniform(1.5, 2.1), rng.uniform(1.1, 1.4)
    p.box((0, 0, 0.008), (w, d, 0.016), c, texture=textures.rug(rng, c))
