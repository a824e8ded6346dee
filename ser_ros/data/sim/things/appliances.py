"""Machines, sanitary ware and lamps."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim import textures
from ser_ros.data.sim.meshes import ring
from ser_ros.data.sim.palette import DARK, METAL, RGB, WHITE, darker, lighter, mix
from ser_ros.data.sim.parts import Parts, Surface


def refrigerator(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two doors, the freezer on top or below."""
    w, h, d = 0.66, rng.uniform(1.6, 1.85), 0.62
    split = h * (0.68 if rng.random() < 0.5 else 0.36)
    p.box((0, 0.02, h / 2), (w, d, h), darker(c, 0.12))
    p.soft((0, -d / 2 - 0.02, split / 2 + 0.02), (w, 0.09, split - 0.03), c, roundness=0.4, finish="gloss")
    p.soft((0, -d / 2 - 0.02, (h + split) / 2), (w, 0.09, h - split - 0.02), c, roundness=0.4, finish="gloss")
    for z in (split - 0.28, split + 0.28):
        p.rod(
            (-w / 2 + 0.08, -d / 2 - 0.1, z - 0.14),
            (-w / 2 + 0.08, -d / 2 - 0.1, z + 0.14),
            0.016,
            METAL,
            "metal",
        )


def stove(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """An oven with a window, knobs, and four plates."""
    p.box((0, 0.02, 0.44), (0.6, 0.58, 0.88), c)
    p.box((0, 0, 0.895), (0.62, 0.62, 0.03), DARK, finish="gloss")
    for x in (-0.15, 0.15):
        for y in (-0.14, 0.14):
            p.turned([(0.1, 0.91), (0.1, 0.922)], (0.35, 0.12, 0.08), at=(x, y, 0))
    p.box((0, -0.28, 0.42), (0.5, 0.03, 0.42), DARK, finish="gloss")
    p.rod((-0.24, -0.33, 0.68), (0.24, -0.33, 0.68), 0.016, METAL, "metal")
    for x in np.linspace(-0.22, 0.22, 5):
        p.rod((x, -0.26, 0.79), (x, -0.31, 0.79), 0.026, METAL, "metal")
    p.surfaces.append(Surface(0, 0, 0.12, 0.1, 0.925))


def washing_machine(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A front loader with a round glass door."""
    p.box((0, 0, 0.43), (0.6, 0.56, 0.86), c)
    p.mesh(ring(0.19, 0.03), METAL, at=(0, -0.29, 0.42), euler=(90, 0, 0), finish="metal")
    p.turned(
        [(0.17, 0), (0.15, 0.03), (0.05, 0.05)],
        (0.12, 0.14, 0.2),
        at=(0, -0.28, 0.42),
        euler=(90, 0, 0),
        finish="gloss",
    )
    p.box((0, -0.285, 0.78), (0.56, 0.01, 0.1), darker(c, 0.12))
    p.rod((0.2, -0.28, 0.78), (0.2, -0.32, 0.78), 0.035, METAL, "metal")
    p.surfaces.append(Surface(0, 0, 0.15, 0.12, 0.86))


def microwave(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A dark window on the left, buttons on the right."""
    p.box((0, 0, 0.16), (0.52, 0.36, 0.3), c)
    p.box((-0.07, -0.185, 0.16), (0.32, 0.01, 0.22), DARK, finish="gloss")
    p.box((0.19, -0.185, 0.16), (0.1, 0.01, 0.24), darker(c, 0.3))
    p.box((0.19, -0.192, 0.24), (0.08, 0.008, 0.035), (0.2, 0.9, 0.5), finish="glow")
    p.rod((0.115, -0.21, 0.07), (0.115, -0.21, 0.25), 0.01, METAL, "metal")


def toaster(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two slots with bread, a lever on the side."""
    p.soft((0, 0, 0.14), (0.36, 0.22, 0.24), c, roundness=0.5, finish="gloss")
    for y in (-0.045, 0.045):
        p.box((0, y, 0.262), (0.26, 0.03, 0.01), DARK)
        p.box((0, y, 0.275), (0.16, 0.02, 0.08), (0.75, 0.5, 0.22))
    p.box((0.19, 0, 0.19), (0.03, 0.06, 0.02), DARK)


def kettle(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A round belly, spout and bow handle."""
    p.turned([(0.12, 0), (0.15, 0.04), (0.14, 0.13), (0.08, 0.2), (0.06, 0.21)], c, finish="gloss")
    p.ball((0, 0, 0.23), 0.025, DARK)
    p.rod((0.11, 0, 0.1), (0.22, 0, 0.19), 0.025, c, "gloss")
    p.mesh(ring(0.11, 0.015), DARK, at=(0, 0, 0.21), euler=(90, 0, 0))


def television(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A flat screen on a low stand of its own."""
    w = rng.uniform(1.0, 1.25)
    stand = (0.36, 0.24, 0.15) if rng.random() < 0.6 else WHITE
    p.box((0, 0, 0.22), (w + 0.2, 0.4, 0.36), stand)
    p.box((0, 0.02, 0.43), (0.4, 0.22, 0.03), DARK)
    p.box((0, 0.03, 0.5), (0.08, 0.05, 0.16), DARK)
    p.box((0, 0.02, 0.55 + w * 0.29), (w, 0.06, w * 0.58), DARK, finish="gloss")
    p.box(
        (0, -0.015, 0.55 + w * 0.29), (w - 0.05, 0.006, w * 0.58 - 0.05), (0.05, 0.06, 0.09), finish="gloss"
    )


def monitor(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A computer screen that is on."""
    p.box((0, 0, 0.01), (0.24, 0.18, 0.02), DARK)
    p.box((0, 0.03, 0.12), (0.05, 0.03, 0.22), DARK)
    p.box((0, 0.01, 0.32), (0.6, 0.03, 0.36), c)
    p.box((0, -0.008, 0.32), (0.56, 0.006, 0.32), (1, 1, 1), finish="glow", texture=textures.screen(rng))


def laptop(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Open, its screen lit."""
    p.box((0, -0.03, 0.012), (0.42, 0.3, 0.022), c)
    p.box((0, -0.02, 0.025), (0.36, 0.16, 0.004), darker(c, 0.55))
    p.box((0, 0.16, 0.15), (0.42, 0.018, 0.3), c, euler=(-14, 0, 0))
    p.box(
        (0, 0.15, 0.152),
        (0.38, 0.006, 0.25),
        (1, 1, 1),
        euler=(-14, 0, 0),
        finish="glow",
        texture=textures.screen(rng),
    )


def piano(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """An upright piano with white and black keys."""
    p.box((0, 0.14, 0.58), (1.4, 0.28, 1.16), c, finish="gloss")
    p.box((0, -0.14, 0.66), (1.4, 0.32, 0.1), c, finish="gloss")
    p.box((0, -0.16, 0.715), (1.26, 0.2, 0.02), WHITE)
    for x in np.arange(-0.58, 0.6, 0.07):
        if rng.random() < 0.75:
            p.box((x, -0.12, 0.735), (0.03, 0.11, 0.02), DARK)
    for x in (-0.62, 0.62):
        p.box((x, -0.26, 0.31), (0.07, 0.07, 0.62), c)


def floor_lamp(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A tall rod with a cloth shade in the lamp's colour."""
    h = rng.uniform(1.4, 1.6)
    p.turned([(0.17, 0), (0.17, 0.02), (0.03, 0.05)], DARK)
    p.rod((0, 0, 0.02), (0, 0, h - 0.1), 0.016, DARK)
    p.turned([(0.25, h - 0.32), (0.15, h)], mix(c, WHITE, 0.1), finish="glow")


def lamp(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A table lamp: a turned foot and a shade in the lamp's colour."""
    p.turned(
        [(0.1, 0), (0.1, 0.02), (0.04, 0.05), (0.075, 0.13), (0.03, 0.2), (0.02, 0.3)],
        mix(WHITE, DARK, rng.uniform(0, 0.8)),
        finish="gloss",
    )
    p.turned([(0.2, 0.26), (0.11, 0.48)], mix(c, WHITE, 0.1), finish="glow")


def toilet(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Bowl, seat, open or closed lid, cistern."""
    p.turned([(0.14, 0), (0.12, 0.12), (0.2, 0.34), (0.22, 0.39)], c, at=(0, -0.08, 0), finish="gloss")
    p.mesh(ring(0.17, 0.035), lighter(c, 0.3), at=(0, -0.08, 0.4), finish="gloss")
    p.turned([(0.14, 0), (0.14, 0.01)], (0.55, 0.68, 0.75), at=(0, -0.08, 0.385))
    p.soft(
        (0, 0.13, 0.58), (0.38, 0.05, 0.4), lighter(c, 0.3), roundness=0.8, euler=(-8, 0, 0), finish="gloss"
    )
    p.soft((0, 0.25, 0.6), (0.46, 0.18, 0.42), c, roundness=0.4, finish="gloss")
    p.rod((0, 0.25, 0.8), (0, 0.25, 0.83), 0.03, METAL, "metal")


def sink(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A basin on a pedestal with a tap."""
    p.turned([(0.12, 0), (0.09, 0.1), (0.09, 0.62)], c, finish="gloss")
    p.turned(
        [(0.1, 0.6), (0.27, 0.74), (0.31, 0.84), (0.29, 0.85), (0.24, 0.78), (0.05, 0.72)], c, finish="gloss"
    )
    p.rod((0, 0.24, 0.82), (0, 0.24, 1.02), 0.022, METAL, "metal")
    p.rod((0, 0.24, 1.01), (0, 0.06, 0.98), 0.018, METAL, "metal")


def bathtub(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A tub with thick rims, a tap, and water."""
    w, d, h = 1.6, 0.75, 0.56
    for y in (-1, 1):
        p.soft((0, y * (d / 2 - 0.06), h / 2), (w, 0.13, h), c, roundness=0.6, finish="gloss")
    for x in (-1, 1):
        p.soft((x * (w / 2 - 0.07), 0, h / 2), (0.15, d, h), c, roundness=0.6, finish="gloss")
    p.box((0, 0, 0.34), (w - 0.2, d - 0.16, 0.05), (0.6, 0.82, 0.9), finish="gloss")
    p.rod((w / 2 - 0.08, 0.1, h), (w / 2 - 0.08, 0.1, h + 0.2), 0.025, METAL, "metal")
    p.rod((w / 2 - 0.08, 0.1, h + 0.19), (w / 2 - 0.26, 0.1, h + 0.17), 0.02, METAL, "metal")


def radiator(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Ribs on the wall above the floor."""
    w = rng.uniform(0.7, 1.0)
    for x in np.linspace(-w / 2, w / 2, int(w / 0.085)):
        p.soft((x, 0, 0.4), (0.07, 0.1, 0.56), c, roundness=0.6)
    p.rod((-w / 2, 0, 0.17), (w / 2, 0, 0.17), 0.025, darker(c, 0.1))
    p.rod((w / 2, 0, 0.17), (w / 2, 0, 0.0), 0.018, METAL, "metal")
