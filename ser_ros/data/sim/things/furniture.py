"""Tables and cupboards."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim import textures
from ser_ros.data.sim.palette import DARK, METAL, RGB, VIVID, WHITE, darker, lighter, shade
from ser_ros.data.sim.parts import Parts, Surface


def _plate(p: Parts, centre, size, c: RGB, rng: np.random.Generator) -> None:
    p.box(centre, size, c, texture=textures.wood(rng, c))


def table(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A dining table, square-edged or round."""
    h = rng.uniform(0.70, 0.78)
    if rng.random() < 0.3:
        r = rng.uniform(0.45, 0.58)
        p.turned([(r, h - 0.04), (r, h)], c)
        p.rod((0, 0, 0.03), (0, 0, h - 0.03), 0.05, c)
        p.turned([(0.28, 0), (0.26, 0.03), (0.06, 0.07)], c)
        p.surfaces.append(Surface(0, 0, r * 0.6, r * 0.6, h))
        return
    w, d = rng.uniform(1.1, 1.5), rng.uniform(0.75, 0.9)
    _plate(p, (0, 0, h - 0.02), (w, d, 0.045), c, rng)
    p.box((0, 0, h - 0.08), (w - 0.14, d - 0.14, 0.08), darker(c, 0.15))
    for x in (-1, 1):
        for y in (-1, 1):
            p.box((x * (w / 2 - 0.06), y * (d / 2 - 0.06), h / 2 - 0.02), (0.065, 0.065, h - 0.04), c)
    p.surfaces.append(Surface(0, 0, w / 2 - 0.18, d / 2 - 0.18, h))
    p.under = Surface(0, 0, w / 2 - 0.3, d / 2 - 0.2, h - 0.12)


def coffee_table(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Low, with a shelf underneath or none."""
    w, d, h = rng.uniform(0.8, 1.1), rng.uniform(0.5, 0.6), rng.uniform(0.36, 0.44)
    _plate(p, (0, 0, h - 0.02), (w, d, 0.05), c, rng)
    for x in (-1, 1):
        for y in (-1, 1):
            p.rod(
                (x * (w / 2 - 0.05), y * (d / 2 - 0.05), 0),
                (x * (w / 2 - 0.07), y * (d / 2 - 0.07), h),
                0.028,
                c,
            )
    if rng.random() < 0.5:
        p.box((0, 0, 0.14), (w - 0.12, d - 0.1, 0.02), darker(c, 0.1))
    p.surfaces.append(Surface(0, 0, w / 2 - 0.15, d / 2 - 0.15, h))


def desk(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A writing desk with a drawer block on one side."""
    w, d, h = rng.uniform(1.2, 1.5), 0.65, 0.74
    side = 1 if rng.random() < 0.5 else -1
    _plate(p, (0, 0, h - 0.02), (w, d, 0.04), c, rng)
    p.box((side * (w / 2 - 0.22), 0.02, h / 2 - 0.02), (0.4, d - 0.08, h - 0.05), c)
    for z in (0.16, 0.38, 0.6):
        p.box((side * (w / 2 - 0.22), -d / 2 + 0.05, z), (0.36, 0.02, 0.18), lighter(c, 0.18))
        p.box((side * (w / 2 - 0.22), -d / 2 + 0.035, z), (0.12, 0.02, 0.02), METAL, finish="metal")
    p.box((-side * (w / 2 - 0.03), 0, h / 2), (0.05, d - 0.06, h - 0.03), c)
    p.surfaces.append(Surface(0, 0.05, w / 2 - 0.2, d / 2 - 0.2, h))


def nightstand(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A small cabinet with two drawers."""
    w, h = 0.46, rng.uniform(0.48, 0.56)
    p.box((0, 0, h / 2 + 0.04), (w, 0.4, h - 0.08), c)
    _plate(p, (0, 0, h - 0.01), (w + 0.04, 0.44, 0.03), c, rng)
    for x in (-1, 1):
        for y in (-1, 1):
            p.rod((x * 0.19, y * 0.16, 0), (x * 0.19, y * 0.16, 0.1), 0.02, c)
    for z in (0.2, h - 0.14):
        p.box((0, -0.2, z), (w - 0.06, 0.02, 0.16), lighter(c, 0.18))
        p.ball((0, -0.22, z), 0.02, METAL, finish="metal")
    p.surfaces.append(Surface(0, 0, 0.1, 0.08, h + 0.005))


def dresser(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Three rows of drawers in two columns."""
    w, h = rng.uniform(1.0, 1.2), rng.uniform(0.78, 0.88)
    p.box((0, 0, h / 2), (w, 0.46, h), c)
    _plate(p, (0, 0, h), (w + 0.04, 0.5, 0.03), c, rng)
    for i in range(3):
        z = 0.14 + (h - 0.1) / 3 * (i + 0.4)
        for x in (-w / 4, w / 4):
            p.box((x, -0.235, z), (w / 2 - 0.05, 0.02, (h - 0.1) / 3 - 0.04), lighter(c, 0.2))
            p.ball((x, -0.255, z), 0.022, METAL, finish="metal")
    p.surfaces.append(Surface(0, 0, w / 2 - 0.2, 0.1, h + 0.015))


def bookshelf(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Boards full of book spines."""
    w, h, d, rows = rng.uniform(0.75, 0.95), rng.uniform(1.5, 1.9), 0.3, 5
    p.box((0, d / 2 - 0.01, h / 2), (w, 0.02, h), darker(c, 0.25))
    for x in (-1, 1):
        p.box((x * w / 2, 0, h / 2), (0.035, d, h), c)
    step = (h - 0.06) / rows
    for i in range(rows + 1):
        p.box((0, 0, 0.03 + i * step), (w, d, 0.03), c)
    for i in range(rows):
        along = -w / 2 + 0.04
        while along < w / 2 - 0.1:
            t, tall = rng.uniform(0.04, 0.08), rng.uniform(0.6, 0.85) * step
            if rng.random() < 0.88:
                spine = shade(str(rng.choice((*VIVID, "brown", "white", "black"))), rng)
                p.box((along + t / 2, 0.02, 0.045 + i * step + tall / 2), (t * 0.92, 0.2, tall), spine)
            along += t


def wardrobe(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two tall doors with long handles."""
    w, h, d = rng.uniform(1.0, 1.2), rng.uniform(1.9, 2.1), 0.55
    p.box((0, 0, h / 2), (w, d, h), darker(c, 0.12))
    for x in (-1, 1):
        p.box((x * w / 4, -d / 2 - 0.01, h / 2 + 0.03), (w / 2 - 0.02, 0.025, h - 0.12), c)
        p.box((x * w / 4, -d / 2 - 0.02, h / 2 + 0.03), (w / 2 - 0.2, 0.02, h - 0.4), lighter(c, 0.1))
        p.rod((x * 0.05, -d / 2 - 0.05, h * 0.42), (x * 0.05, -d / 2 - 0.05, h * 0.58), 0.014, METAL, "metal")


def shelf(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A board on the wall with two brackets; z is measured from the board."""
    w = rng.uniform(0.8, 1.1)
    _plate(p, (0, 0, 0), (w, 0.26, 0.04), c, rng)
    for x in (-1, 1):
        p.box((x * (w / 2 - 0.1), 0.05, -0.09), (0.03, 0.14, 0.16), DARK)
    p.surfaces.append(Surface(0, 0, w / 2 - 0.15, 0.03, 0.02))


def counter(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A kitchen counter: cabinet doors under a stone top."""
    w, h, d = rng.uniform(1.2, 1.8), 0.9, 0.6
    p.box((0, 0.02, h / 2 + 0.03), (w, d - 0.04, h - 0.1), darker(c, 0.15))
    p.box((0, 0.05, 0.05), (w, d - 0.14, 0.1), DARK)
    top = (0.32, 0.31, 0.31) if rng.random() < 0.5 else (0.82, 0.79, 0.74)
    p.box((0, 0, h), (w + 0.02, d + 0.04, 0.05), top, finish="gloss")
    doors = round(w / 0.45)
    for i in range(doors):
        x = -w / 2 + w / doors * (i + 0.5)
        p.box((x, -d / 2 + 0.03, 0.47), (w / doors - 0.03, 0.03, 0.72), c)
        p.rod((x - 0.06, -d / 2, 0.76), (x + 0.06, -d / 2, 0.76), 0.012, METAL, "metal")
    p.surfaces.append(Surface(0, 0, w / 2 - 0.2, 0.12, h + 0.025))


def basket(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A woven laundry basket, open at the top."""
    r, h = rng.uniform(0.24, 0.28), rng.uniform(0.36, 0.44)
    p.turned([(r * 0.82, 0), (r, h), (r * 0.93, h), (r * 0.8, 0.12), (0.01, 0.1)], c)
    for z in np.linspace(0.08, h - 0.03, 5):
        k = 0.82 + 0.18 * z / h
        p.turned([(r * k, z - 0.02), (r * k + 0.014, z), (r * k, z + 0.02)], darker(c, 0.25))
    p.inside = Surface(0, 0, r * 0.5, r * 0.5, h * 0.55)


def box(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A cardboard-type box with its flaps up and tape on the side."""
    k = rng.uniform(0.75, 0.85) if rng.random() < 0.5 else rng.uniform(1.3, 1.5)
    w, d, h, t = 0.46 * k, 0.38 * k, rng.uniform(0.32, 0.38) * k, 0.012
    p.box((0, 0, t), (w, d, 2 * t), darker(c, 0.3))
    for x in (-1, 1):
        p.box((x * w / 2, 0, h / 2), (t, d, h), c)
        p.box((x * (w / 2 + 0.06), 0, h + 0.03), (0.15, d, t), lighter(c, 0.08), euler=(0, -x * 28, 0))
    for y in (-1, 1):
        p.box((0, y * d / 2, h / 2), (w, t, h), lighter(c, 0.04))
    p.box((0, -d / 2 - 0.008, h - 0.08), (0.07, 0.008, 0.16), lighter(c, 0.45))
    p.inside = Surface(0, 0, w * 0.28, d * 0.28, h * 0.55)


def ladder(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A step ladder, opened."""
    h = rng.uniform(1.3, 1.6)
    for x in (-1, 1):
        p.rod((x * 0.25, -0.35, 0), (x * 0.17, -0.03, h), 0.022, c)
        p.rod((x * 0.25, 0.35, 0), (x * 0.17, 0.03, h), 0.018, c)
    for i in range(4):
        k = (i + 1) / 5
        p.box((0, -0.35 + 0.32 * k, h * k), (0.5 - 0.14 * k, 0.1, 0.025), METAL, finish="metal")
    p.box((0, 0, h), (0.38, 0.2, 0.03), WHITE)


def stairs(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A flight of steps that climbs away from the viewer, with a hand rail."""
    n, w = int(rng.integers(5, 8)), rng.uniform(0.9, 1.1)
    for i in range(n):
        y = 0.24 * i - 0.12 * n + 0.12
        p.box((0, y, 0.09 * (i + 1)), (w, 0.24, 0.18 * (i + 1)), lighter(c, 0.25))
        p.box((0, y - 0.01, 0.18 * (i + 1)), (w + 0.04, 0.27, 0.03), c)
    x = w / 2 - 0.03
    for i in range(0, n, 2):
        y = 0.24 * i - 0.12 * n + 0.12
        p.rod((x, y, 0.18 * (i + 1)), (x, y, 0.18 * (i + 1) + 0.8), 0.018, c)
    p.rod((x, -0.12 * n + 0.12, 0.98), (x, 0.12 * n - 0.12, 0.18 * n + 0.8), 0.025, c)
