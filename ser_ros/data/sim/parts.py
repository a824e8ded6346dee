"""How a thing is put together: primitives and meshes in the thing's own frame.

The frame of a thing: origin on the floor under its middle, +z up, its front looks along -y.
Lengths in metres, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ser_ros.data.sim import meshes
from ser_ros.data.sim.palette import RGB


@dataclass
class Part:
    """One geom.

    Attributes:
        shape: "box", "cylinder", "sphere", "ellipsoid", "capsule" or "mesh".
        size: MuJoCo half sizes (empty for meshes).
        position: centre [3].
        euler: rotation about x, y, z in degrees [3].
        colour: RGB in [0, 1].
        finish: "matte", "gloss", "metal", "glass" or "glow".
        texture: PNG bytes laid over it, or None.
        mesh: vertices and faces where shape is "mesh".
    """

    shape: str
    size: tuple[float, ...]
    position: tuple[float, float, float]
    euler: tuple[float, float, float]
    colour: RGB
    finish: str = "matte"
    texture: bytes | None = None
    mesh: meshes.Mesh | None = None


@dataclass
class Surface:
    """A horizontal place where things can stand: centre, half extents, height."""

    x: float
    y: float
    half_x: float
    half_y: float
    z: float


@dataclass
class Parts:
    """A thing while it is being built.

    Attributes:
        parts: its geoms.
        surfaces: where things stand on it.
        seats: where people and animals sit or lie on it.
        under: the free room below it, with `z` its clear height; None where there is none.
        inside: the opening of a container; None where it is none.
    """

    parts: list[Part] = field(default_factory=list)
    surfaces: list[Surface] = field(default_factory=list)
    seats: list[Surface] = field(default_factory=list)
    under: Surface | None = None
    inside: Surface | None = None
    _corners: np.ndarray | None = None

    def box(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        colour: RGB,
        *,
        euler: Sequence[float] = (0, 0, 0),
        finish: str = "matte",
        texture: bytes | None = None,
    ) -> None:
        """A box of full `size`."""
        half = tuple(s / 2 for s in size)
        self._add("box", half, centre, euler, colour, finish, texture)

    def rod(
        self, start: Sequence[float], end: Sequence[float], radius: float, colour: RGB, finish: str = "matte"
    ) -> None:
        """A cylinder from `start` to `end`."""
        a, b = np.array(start, float), np.array(end, float)
        axis = b - a
        length = float(np.linalg.norm(axis))
        pitch = np.degrees(np.arctan2(np.hypot(axis[0], axis[1]), axis[2]))
        yaw = np.degrees(np.arctan2(axis[1], axis[0]))
        self._add("cylinder", (radius, length / 2), (a + b) / 2, (0, pitch, yaw), colour, finish, None)

    def limb(self, start: Sequence[float], end: Sequence[float], radius: float, colour: RGB) -> None:
        """A capsule from `start` to `end`."""
        self.rod(start, end, radius, colour)
        self.parts[-1].shape = "capsule"

    def ball(
        self,
        centre: Sequence[float],
        radius: float | Sequence[float],
        colour: RGB,
        *,
        euler: Sequence[float] = (0, 0, 0),
        finish: str = "matte",
    ) -> None:
        """A sphere, or an ellipsoid where `radius` has three values."""
        if isinstance(radius, (int, float)):
            self._add("sphere", (float(radius),), centre, euler, colour, finish, None)
        else:
            self._add("ellipsoid", tuple(radius), centre, euler, colour, finish, None)

    def turned(
        self,
        profile: Sequence[tuple[float, float]],
        colour: RGB,
        *,
        at: Sequence[float] = (0, 0, 0),
        euler: Sequence[float] = (0, 0, 0),
        finish: str = "matte",
    ) -> None:
        """A lathe body from (radius, height) pairs."""
        self.mesh(meshes.lathe(profile), colour, at=at, euler=euler, finish=finish)

    def soft(
        self,
        centre: Sequence[float],
        size: Sequence[float],
        colour: RGB,
        *,
        roundness: float = 0.5,
        euler: Sequence[float] = (0, 0, 0),
        finish: str = "matte",
    ) -> None:
        """A rounded box of full `size`."""
        self.mesh(meshes.cushion(size, roundness), colour, at=centre, euler=euler, finish=finish)

    def mesh(
        self,
        mesh: meshes.Mesh,
        colour: RGB,
        *,
        at: Sequence[float] = (0, 0, 0),
        euler: Sequence[float] = (0, 0, 0),
        finish: str = "matte",
    ) -> None:
        """Any mesh."""
        self._add("mesh", (), at, euler, colour, finish, None)
        self.parts[-1].mesh = mesh

    def _add(self, shape, size, centre, euler, colour, finish, texture) -> None:
        x, y, z = (float(v) for v in centre)
        a, b, c = (float(v) for v in euler)
        self.parts.append(Part(shape, size, (x, y, z), (a, b, c), colour, finish, texture))

    def corners(self) -> np.ndarray:
        """Points [N, 3] that span the thing in its own frame (corners of each part's box)."""
        if self._corners is not None and len(self._corners) == 8 * len(self.parts):
            return self._corners
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        points = []
        for part in self.parts:
            turn = rotation(part.euler)
            if part.mesh is not None:
                low, high = part.mesh[0].min(axis=0), part.mesh[0].max(axis=0)
                local = (low + high) / 2 + signs * (high - low) / 2
            else:
                local = signs * _half(part)
            points.append(local @ turn.T + part.position)
        self._corners = np.concatenate(points)
        return self._corners


def rotation(euler: Sequence[float]) -> np.ndarray:
    """Rotation matrix [3, 3] of `euler` (degrees; about x, then y, then z, fixed axes)."""
    x, y, z = np.radians(euler)
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def _half(part: Part) -> np.ndarray:
    if part.shape == "sphere":
        return np.full(3, part.size[0])
    if part.shape == "cylinder":
        return np.array([part.size[0], part.size[0], part.size[1]])
    if part.shape == "capsule":
        return np.array([part.size[0], part.size[0], part.size[1] + part.size[0]])
    return np.array(part.size)
