"""Things to sit and lie on."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim.palette import DARK, METAL, RGB, WHITE, WOOD_RGB, darker, lighter, mix
from ser_ros.data.sim.parts import Parts, Surface


def chair(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Four legs, a seat, a back with rungs."""
    w, back = 0.46, rng.uniform(0.92, 1.02)
    for x in (-0.2, 0.2):
        p.rod((x, -0.2, 0), (x, -0.2, 0.45), 0.02, c)
        p.rod((x, 0.2, 0), (x, 0.23, back), 0.02, c)
    p.box((0, 0, 0.46), (w, w, 0.05), c)
    for z in np.linspace(0.62, back - 0.04, int(rng.integers(2, 4))):
        p.box((0, 0.22, z), (0.4, 0.025, 0.09), c)
    p.seats.append(Surface(0, 0, 0.15, 0.15, 0.485))


def office_chair(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Five castors, a gas spring, a padded seat and back, arm rests."""
    for angle in np.linspace(0, 2 * np.pi, 6)[:-1] + rng.uniform(0, 1):
        x, y = 0.28 * np.cos(angle), 0.28 * np.sin(angle)
        p.rod((0, 0, 0.12), (x, y, 0.08), 0.02, DARK)
        p.ball((x, y, 0.035), 0.035, DARK)
    p.rod((0, 0, 0.1), (0, 0, 0.45), 0.03, METAL, "metal")
    p.soft((0, 0, 0.5), (0.5, 0.48, 0.1), c)
    p.soft((0, 0.25, 0.85), (0.46, 0.09, 0.56), c, euler=(-6, 0, 0))
    p.rod((0, 0.24, 0.45), (0, 0.27, 0.7), 0.025, DARK)
    for x in (-0.27, 0.27):
        p.rod((x, 0.1, 0.5), (x, 0.1, 0.7), 0.018, DARK)
        p.box((x, 0.02, 0.71), (0.06, 0.28, 0.03), DARK)
    p.seats.append(Surface(0, 0, 0.12, 0.12, 0.55))


def stool(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A round seat on splayed legs."""
    h = rng.uniform(0.5, 0.68)
    p.turned([(0.19, h - 0.05), (0.2, h - 0.025), (0.19, h)], c)
    for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        p.rod((0.19 * x, 0.19 * y, 0), (0.11 * x, 0.11 * y, h - 0.04), 0.018, c)
    for x in (-1, 1):
        p.rod((0.16 * x, -0.16, 0.2), (0.16 * x, 0.16, 0.2), 0.012, c)
    p.surfaces.append(Surface(0, 0, 0.08, 0.08, h))


def sofa(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two or three seat cushions between arm rests."""
    w = rng.uniform(1.6, 2.0)
    seats = 2 if w < 1.8 else 3
    p.soft((0, 0.02, 0.22), (w, 0.85, 0.28), darker(c, 0.12), roundness=0.25)
    p.soft((0, 0.36, 0.58), (w - 0.1, 0.22, 0.6), c, roundness=0.6)
    for x in (-1, 1):
        p.soft((x * (w / 2 - 0.1), 0, 0.42), (0.2, 0.86, 0.42), c, roundness=0.7)
        for y in (-0.34, 0.36):
            p.rod((x * (w / 2 - 0.12), y, 0), (x * (w / 2 - 0.12), y, 0.1), 0.025, WOOD_RGB)
    room = (w - 0.4) / seats
    for i in range(seats):
        at = -w / 2 + 0.2 + room * (i + 0.5)
        p.soft((at, -0.06, 0.42), (room - 0.015, 0.66, 0.18), lighter(c, 0.06), roundness=0.6)
        p.soft((at, 0.24, 0.68), (room - 0.02, 0.16, 0.4), lighter(c, 0.03), roundness=0.7)
        p.seats.append(Surface(at, -0.1, room * 0.2, 0.1, 0.51))


def armchair(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """One broad seat with arm rests."""
    p.soft((0, 0, 0.24), (0.85, 0.8, 0.3), darker(c, 0.12), roundness=0.3)
    p.soft((0, 0.33, 0.62), (0.82, 0.2, 0.72), c, roundness=0.8)
    for x in (-0.36, 0.36):
        p.soft((x, -0.02, 0.42), (0.17, 0.78, 0.42), c, roundness=0.8)
        p.rod((x, -0.3, 0), (x, -0.3, 0.12), 0.025, WOOD_RGB)
        p.rod((x, 0.3, 0), (x, 0.3, 0.12), 0.025, WOOD_RGB)
    p.soft((0, -0.05, 0.43), (0.56, 0.64, 0.17), lighter(c, 0.06), roundness=0.6)
    p.seats.append(Surface(0, -0.08, 0.1, 0.1, 0.515))


def bed(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Head board, mattress, pillows, and a blanket in the bed's colour."""
    w, length = rng.uniform(1.2, 1.6), 2.0
    wood = mix(WOOD_RGB, WHITE, rng.uniform(0, 0.3))
    p.box((0, 0, 0.2), (w, length, 0.16), wood)
    p.box((0, length / 2, 0.5), (w, 0.06, 1.0), wood)
    for x in (-1, 1):
        for y in (-1, 1):
            at = (x * (w / 2 - 0.06), y * (length / 2 - 0.06))
            p.rod((*at, 0), (*at, 0.2), 0.035, wood)
    p.soft((0, 0, 0.38), (w - 0.04, length - 0.08, 0.22), WHITE, roundness=0.5)
    p.soft((0, -0.28, 0.42), (w + 0.03, length * 0.66, 0.22), c, roundness=0.5)
    for side in (-w / 4, w / 4):
        p.soft((side, length / 2 - 0.3, 0.54), (w / 2 - 0.1, 0.4, 0.14), WHITE, roundness=0.9)
    p.seats.append(Surface(0, -0.3, w * 0.25, 0.5, 0.53))
