"""Things that stand on tables and lie on the floor. A little larger than life, as a low camera needs."""

from __future__ import annotations

import numpy as np

from ser_ros.data.sim.meshes import leaf, prism, ring
from ser_ros.data.sim.palette import DARK, METAL, RGB, WHITE, darker, lighter, mix, shade
from ser_ros.data.sim.parts import Parts


def mug(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A straight cup with an ear."""
    p.turned([(0.08, 0), (0.085, 0.19), (0.07, 0.19), (0.068, 0.16)], c, finish="gloss")
    p.turned([(0.068, 0), (0.068, 0.004)], (0.25, 0.13, 0.06), at=(0, 0, 0.165))
    p.mesh(ring(0.055, 0.015), c, at=(0.1, 0, 0.1), euler=(90, 0, 0), finish="gloss")


def bottle(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Belly, neck, cap and a paper label."""
    p.turned([(0.07, 0), (0.075, 0.02), (0.075, 0.22), (0.03, 0.3), (0.026, 0.4)], c, finish="gloss")
    p.turned([(0.03, 0.39), (0.03, 0.43)], DARK)
    p.turned([(0.0765, 0.09), (0.0765, 0.18)], WHITE)


def bowl(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A bowl with fruit."""
    p.turned(
        [(0.06, 0), (0.11, 0.04), (0.18, 0.12), (0.165, 0.12), (0.1, 0.05), (0.02, 0.04)], c, finish="gloss"
    )
    for i in range(4):
        a = i * 1.57 + rng.uniform(0, 0.4)
        fruit = shade(str(rng.choice(("red", "orange", "yellow", "green"))), rng)
        p.ball((0.07 * np.cos(a), 0.07 * np.sin(a), 0.115), 0.055, fruit)


def vase(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A slender vase with flowers."""
    p.turned([(0.06, 0), (0.09, 0.08), (0.07, 0.18), (0.04, 0.24), (0.055, 0.27)], c, finish="gloss")
    bloom = shade(str(rng.choice(("red", "yellow", "pink", "white"))), rng)
    for i in range(5):
        a, lean = i * 1.256 + rng.uniform(0, 0.5), rng.uniform(0.05, 0.13)
        tip = (lean * np.cos(a), lean * np.sin(a), rng.uniform(0.42, 0.54))
        p.rod((0, 0, 0.24), tip, 0.006, (0.2, 0.45, 0.18))
        p.ball(tip, (0.05, 0.05, 0.035), bloom)
        p.ball((tip[0], tip[1], tip[2] + 0.02), 0.022, (0.95, 0.8, 0.2))


def book(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A thick book lying on its side."""
    h = rng.uniform(0.07, 0.1)
    p.box((0, 0, h / 2), (0.28, 0.2, h - 0.02), (0.93, 0.9, 0.82))
    for z in (0.007, h - 0.007):
        p.box((0, 0, z), (0.31, 0.23, 0.014), c)
    p.box((0, 0.112, h / 2), (0.31, 0.012, h), c)


def teddy_bear(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A sitting plush bear."""
    p.ball((0, 0, 0.14), (0.12, 0.1, 0.14), c)
    p.ball((0, -0.075, 0.14), (0.075, 0.04, 0.09), lighter(c, 0.35))
    p.ball((0, -0.01, 0.33), 0.1, c)
    p.ball((0, -0.095, 0.31), (0.045, 0.03, 0.035), lighter(c, 0.4))
    p.ball((0, -0.125, 0.32), 0.014, DARK)
    for x in (-1, 1):
        p.ball((x * 0.08, 0.01, 0.42), (0.04, 0.025, 0.04), c)
        p.ball((x * 0.04, -0.09, 0.36), 0.013, DARK)
        p.limb((x * 0.1, -0.02, 0.22), (x * 0.17, -0.08, 0.12), 0.04, c)
        p.limb((x * 0.07, -0.06, 0.05), (x * 0.1, -0.2, 0.05), 0.048, c)


def pot(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A cooking pot with a lid and two handles."""
    p.turned([(0.15, 0), (0.16, 0.02), (0.16, 0.16)], c, finish="gloss")
    p.turned([(0.165, 0.16), (0.14, 0.19), (0.04, 0.21)], METAL, finish="metal")
    p.ball((0, 0, 0.225), 0.022, DARK)
    for x in (-1, 1):
        p.rod((x * 0.15, 0, 0.12), (x * 0.22, 0, 0.12), 0.018, DARK)


def clock(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A round wall clock; z is measured from its middle."""
    p.turned([(0.2, 0), (0.2, 0.04)], c, at=(0, 0.02, 0), euler=(90, 0, 0))
    p.turned([(0.17, 0), (0.17, 0.01)], WHITE, at=(0, -0.02, 0), euler=(90, 0, 0))
    for a in np.linspace(0, 2 * np.pi, 13)[:-1]:
        p.ball((0.145 * np.sin(a), -0.03, 0.145 * np.cos(a)), 0.01, DARK)
    for length, radius in ((0.12, 0.008), (0.08, 0.011)):
        a = rng.uniform(0, 2 * np.pi)
        p.rod((0, -0.035, 0), (length * np.sin(a), -0.035, length * np.cos(a)), radius, DARK)


def pillow(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A cushion that leans back."""
    p.soft((0, 0.02, 0.2), (0.44, 0.16, 0.4), c, roundness=1.0, euler=(-18, 0, 0))


def plant(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A leafy plant in a pot of the given colour, as tall as a table or a child."""
    k = rng.uniform(0.55, 0.7) if rng.random() < 0.5 else rng.uniform(1.1, 1.35)
    p.turned([(0.13 * k, 0), (0.18 * k, 0.3 * k), (0.16 * k, 0.3 * k), (0.15 * k, 0.26 * k)], c)
    p.turned([(0.155 * k, 0.25 * k), (0.155 * k, 0.27 * k)], (0.2, 0.13, 0.08))
    green = shade("green", rng)
    for i in range(14):
        a, up = i * 2.4, rng.uniform(0.35, 0.9) * k
        tone = mix(green, (0.1, 0.3, 0.1), rng.uniform(0, 0.6))
        p.rod((0, 0, 0.25 * k), (0.03 * np.cos(a), 0.03 * np.sin(a), up), 0.008, (0.3, 0.4, 0.15))
        blade = leaf(rng.uniform(0.28, 0.42) * k, rng.uniform(0.1, 0.15) * k, rng.uniform(-0.3, 0.3))
        p.mesh(blade, tone, at=(0, 0, up), euler=(0, rng.uniform(-35, 5), np.degrees(a)))


def bin(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A pedal bin with a domed lid."""
    h = rng.uniform(0.48, 0.6)
    p.turned([(0.15, 0), (0.18, h)], c)
    p.turned([(0.19, h), (0.185, h + 0.05), (0.1, h + 0.1), (0.03, h + 0.11)], darker(c, 0.35))
    p.box((0, -0.18, 0.03), (0.1, 0.1, 0.025), METAL, finish="metal")


def ball(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A play ball with a bright band."""
    r = rng.uniform(0.14, 0.19)
    p.ball((0, 0, r), r, c, finish="gloss")
    tilt = rng.uniform(20, 70)
    p.turned(
        [(r * 1.004, -0.02), (r * 1.004, 0.02)],
        lighter(c, 0.65),
        at=(0, 0, r),
        euler=(tilt, 0, rng.uniform(0, 180)),
    )


def suitcase(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A hard-shell trolley with grooves, wheels and a pulled handle."""
    p.soft((0, 0, 0.38), (0.46, 0.26, 0.64), c, roundness=0.5, finish="gloss")
    for x in np.linspace(-0.16, 0.16, 5):
        p.box((x, -0.131, 0.38), (0.018, 0.012, 0.54), darker(c, 0.3))
    for x in (-1, 1):
        p.rod((x * 0.1, 0.08, 0.68), (x * 0.1, 0.08, 0.98), 0.012, METAL, "metal")
        p.ball((x * 0.18, -0.08, 0.035), 0.035, DARK)
        p.ball((x * 0.18, 0.08, 0.035), 0.035, DARK)
    p.rod((-0.12, 0.08, 0.98), (0.12, 0.08, 0.98), 0.02, DARK)


def backpack(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A school bag with a front pocket and straps."""
    p.soft((0, 0, 0.26), (0.38, 0.24, 0.5), c, roundness=0.8)
    p.soft((0, -0.13, 0.18), (0.3, 0.1, 0.24), darker(c, 0.22), roundness=0.8)
    p.box((0, -0.185, 0.26), (0.24, 0.008, 0.016), WHITE)
    p.mesh(ring(0.06, 0.014), DARK, at=(0, 0.02, 0.52), euler=(90, 0, 0))
    for x in (-1, 1):
        p.rod((x * 0.2, 0, 0.08), (x * 0.16, 0.02, 0.44), 0.022, darker(c, 0.4))


def shoes(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A pair of sneakers."""
    for x in (-0.1, 0.1):
        p.soft((x, 0, 0.02), (0.13, 0.36, 0.04), WHITE, roundness=0.6)
        p.ball((x, -0.05, 0.06), (0.062, 0.13, 0.065), c)
        p.turned([(0.06, 0.03), (0.065, 0.14), (0.05, 0.14), (0.045, 0.1)], c, at=(x, 0.1, 0))
        for y in (-0.06, -0.02, 0.02):
            p.box((x, y, 0.118), (0.07, 0.014, 0.01), WHITE)


def extinguisher(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A red cylinder with hose, lever and label."""
    p.turned([(0.1, 0), (0.11, 0.02), (0.11, 0.46), (0.06, 0.56), (0.03, 0.58)], c, finish="gloss")
    p.turned([(0.1115, 0.2), (0.1115, 0.34)], WHITE)
    p.box((0, -0.03, 0.63), (0.05, 0.16, 0.05), DARK)
    p.rod((0.04, 0, 0.6), (0.15, 0, 0.5), 0.016, DARK)
    p.rod((0.15, 0, 0.5), (0.14, -0.02, 0.2), 0.018, DARK)


def wet_floor_sign(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A folding A-board with a warning triangle."""
    for y in (-1, 1):
        p.box((0, y * 0.13, 0.33), (0.36, 0.02, 0.68), c, euler=(y * 20, 0, 0))
    p.mesh(prism([(-0.11, 0), (0.11, 0), (0, 0.2)], 0.012), DARK, at=(0, -0.155, 0.3), euler=(-20, 0, 0))
    p.mesh(prism([(-0.07, 0.02), (0.07, 0.02), (0, 0.15)], 0.014), c, at=(0, -0.155, 0.3), euler=(-20, 0, 0))
    p.box((0, -0.21, 0.19), (0.26, 0.014, 0.035), DARK, euler=(-20, 0, 0))


def cone(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A traffic cone with white bands."""
    p.box((0, 0, 0.02), (0.38, 0.38, 0.04), darker(c, 0.1))
    p.turned([(0.15, 0.04), (0.03, 0.62)], c)
    for z in (0.22, 0.42):
        r = 0.15 - 0.12 * (z - 0.04) / 0.58
        p.turned([(r + 0.004, z - 0.045), (r - 0.014, z + 0.045)], WHITE)


def bicycle(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """Two wheels with spokes, a diamond frame, saddle and handlebar; stands along x."""
    for x in (-0.52, 0.52):
        p.mesh(ring(0.32, 0.03), DARK, at=(x, 0, 0.35), euler=(90, 0, 0))
        for a in np.linspace(0, np.pi, 5)[:-1]:
            dx, dz = 0.3 * np.cos(a), 0.3 * np.sin(a)
            p.rod((x - dx, 0, 0.35 - dz), (x + dx, 0, 0.35 + dz), 0.006, METAL)
    low, seat, head = (-0.08, 0, 0.36), (-0.2, 0, 0.82), (0.36, 0, 0.86)
    for start, end in (
        (low, seat),
        (low, head),
        (seat, head),
        (low, (-0.52, 0, 0.35)),
        (seat, (-0.52, 0, 0.35)),
    ):
        p.rod(start, end, 0.028, c)
    p.rod((0.52, 0, 0.35), (0.34, 0, 0.98), 0.026, c)
    p.rod((0.34, -0.28, 1.0), (0.34, 0.28, 1.0), 0.02, DARK)
    p.soft((-0.22, 0, 0.9), (0.28, 0.15, 0.07), DARK, roundness=0.9)
    p.rod(seat, (-0.22, 0, 0.88), 0.018, METAL)


def guitar(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """An acoustic guitar on a small stand, leaning back."""
    lean = (-12, 0, 0)
    for z, r in ((0.3, 0.2), (0.55, 0.15)):
        p.turned(
            [(r, 0), (r, 0.1)], c, at=(0, 0.07 + (z - 0.3) * 0.2, z), euler=(90 - 12, 0, 0), finish="gloss"
        )
    p.turned([(0.06, 0), (0.06, 0.006)], DARK, at=(0, -0.02, 0.42), euler=(90 - 12, 0, 0))
    p.box((0, 0.13, 0.88), (0.06, 0.04, 0.56), (0.25, 0.15, 0.08), euler=lean)
    p.box((0, 0.2, 1.2), (0.1, 0.04, 0.16), DARK, euler=lean)
    p.box((0, 0.06, 0.06), (0.3, 0.3, 0.03), DARK)
    p.rod((0, 0.18, 0.05), (0, 0.12, 0.4), 0.015, DARK)


def toy_car(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """A toy car as long as a forearm."""
    p.soft((0, 0, 0.11), (0.46, 0.22, 0.13), c, roundness=0.6, finish="gloss")
    p.soft((-0.03, 0, 0.2), (0.25, 0.19, 0.13), lighter(c, 0.15), roundness=0.7, finish="gloss")
    p.box((-0.03, 0, 0.205), (0.19, 0.2, 0.07), (0.55, 0.75, 0.9))
    for x in (-0.14, 0.14):
        for y in (-0.11, 0.11):
            p.rod((x, y - 0.02, 0.06), (x, y + 0.02, 0.06), 0.06, DARK)


def umbrella(p: Parts, c: RGB, rng: np.random.Generator) -> None:
    """An open umbrella that lies tilted on the floor."""
    p.turned(
        [(0.5, 0.3), (0.46, 0.38), (0.3, 0.48), (0.1, 0.54), (0.01, 0.56)],
        c,
        euler=(38, 0, rng.uniform(-30, 30)),
    )
    p.rod((0, 0.0, 0.02), (0, -0.3, 0.45), 0.012, DARK)
