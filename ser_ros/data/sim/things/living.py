"""People and pets."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim.palette import DARK, RGB, SKIN, WHITE, darker, lighter, mix
from ser_ros.data.sim.parts import Parts

_TROUSERS: tuple[RGB, ...] = ((0.13, 0.17, 0.32), (0.12, 0.12, 0.13), (0.36, 0.32, 0.26))
_HAIR: tuple[RGB, ...] = ((0.08, 0.06, 0.05), (0.32, 0.2, 0.1), (0.75, 0.6, 0.3), (0.55, 0.55, 0.56))


def _pick(choices: tuple[RGB, ...], rng: np.random.Generator) -> RGB:
    return choices[int(rng.integers(len(choices)))]


def _head(p: Parts, z: float, y: float, rng: np.random.Generator, skin: RGB) -> None:
    hair = _pick(_HAIR, rng)
    p.rod((0, y, z - 0.16), (0, y, z - 0.06), 0.05, skin)
    p.ball((0, y, z), (0.09, 0.1, 0.12), skin)
    p.ball((0, y + 0.025, z + 0.035), (0.1, 0.105, 0.11), hair)
    if rng.random() < 0.4:
        p.soft((0, y + 0.07, z - 0.08), (0.2, 0.1, 0.3), hair, roundness=0.9)
    for x in (-0.035, 0.035):
        p.ball((x, y - 0.092, z + 0.01), 0.014, DARK)
    p.box((0, y - 0.094, z - 0.055), (0.05, 0.012, 0.012), (0.6, 0.25, 0.25))


def person_standing(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A person on their feet; the colour is the shirt's."""
    skin, trousers = _pick(SKIN, rng), _pick(_TROUSERS, rng)
    for x in (-1, 1):
        p.limb((x * 0.1, 0, 0.1), (x * 0.1, 0, 0.8), 0.075, trousers)
        p.soft((x * 0.1, -0.05, 0.04), (0.1, 0.26, 0.08), DARK, roundness=0.8)
        elbow = (x * 0.29, rng.uniform(-0.1, 0.05), 1.02)
        hand = (x * 0.26, elbow[1] - rng.uniform(0.02, 0.22), rng.uniform(0.8, 1.0))
        p.limb((x * 0.22, 0, 1.32), elbow, 0.055, c)
        p.limb(elbow, hand, 0.042, skin)
        p.ball(hand, 0.052, skin)
    p.soft((0, 0, 1.1), (0.42, 0.24, 0.64), c, roundness=0.9)
    _head(p, 1.6, 0, rng, skin)


def person_sitting(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A person on a seat whose surface is at z = 0; the feet hang in front of it."""
    skin, trousers = _pick(SKIN, rng), _pick(_TROUSERS, rng)
    for x in (-1, 1):
        p.limb((x * 0.1, 0.02, 0.08), (x * 0.12, -0.4, 0.08), 0.08, trousers)
        p.limb((x * 0.12, -0.4, 0.06), (x * 0.12, -0.42, -0.36), 0.065, trousers)
        p.soft((x * 0.12, -0.47, -0.42), (0.1, 0.26, 0.08), DARK, roundness=0.8)
        p.limb((x * 0.22, 0.06, 0.54), (x * 0.27, -0.05, 0.28), 0.055, c)
        p.limb((x * 0.27, -0.05, 0.28), (x * 0.13, -0.26, 0.2), 0.042, skin)
    p.soft((0, 0.06, 0.34), (0.42, 0.24, 0.62), c, roundness=0.9)
    _head(p, 0.84, 0.04, rng, skin)


def cat(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A sitting cat with pointed ears and a curled tail."""
    p.ball((0, 0.05, 0.14), (0.11, 0.14, 0.15), c)
    p.ball((0, -0.03, 0.22), (0.08, 0.08, 0.13), c)
    p.ball((0, -0.04, 0.37), (0.085, 0.08, 0.075), c)
    p.ball((0, -0.105, 0.2), (0.04, 0.03, 0.08), lighter(c, 0.5))
    p.ball((0, -0.11, 0.345), (0.032, 0.025, 0.022), lighter(c, 0.55))
    for x in (-1, 1):
        p.turned([(0.032, 0), (0.001, 0.08)], c, at=(x * 0.052, -0.03, 0.42))
        p.ball((x * 0.034, -0.108, 0.39), 0.015, (0.75, 0.8, 0.2))
        p.limb((x * 0.045, -0.09, 0.03), (x * 0.045, -0.07, 0.18), 0.03, c)
        p.ball((x * 0.09, 0.06, 0.06), (0.06, 0.1, 0.06), c)
    side = 1 if rng.random() < 0.5 else -1
    p.limb((0, 0.18, 0.03), (side * 0.2, 0.06, 0.03), 0.024, darker(c, 0.2))
    p.limb((side * 0.2, 0.06, 0.03), (side * 0.2, -0.08, 0.035), 0.022, darker(c, 0.2))


def dog(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A standing dog seen along x, with hanging ears and a collar."""
    p.soft((0, 0, 0.4), (0.58, 0.24, 0.26), c, roundness=0.95)
    for x in (-0.21, 0.21):
        for y in (-0.07, 0.07):
            p.limb((x, y, 0.04), (x, y, 0.34), 0.042, darker(c, 0.08))
    p.limb((0.24, 0, 0.46), (0.36, 0, 0.6), 0.075, c)
    p.turned([(0.085, 0), (0.085, 0.035)], (0.8, 0.1, 0.1), at=(0.29, 0, 0.5), euler=(0, 42, 0))
    p.ball((0.4, 0, 0.66), (0.12, 0.1, 0.1), c)
    p.ball((0.51, 0, 0.63), (0.085, 0.055, 0.05), mix(c, WHITE, 0.3))
    p.ball((0.59, 0, 0.645), 0.024, DARK)
    for y in (-1, 1):
        p.ball((0.37, y * 0.1, 0.64), (0.045, 0.02, 0.09), darker(c, 0.4))
        p.ball((0.48, y * 0.06, 0.71), 0.016, DARK)
    p.limb((-0.28, 0, 0.48), (-0.45, 0, 0.66), 0.026, c)
