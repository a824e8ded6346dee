"""Triangle meshes of round and soft things: vertices [V, 3] in metres and faces [F, 3]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Mesh = tuple[np.ndarray, np.ndarray]


def lathe(profile: Sequence[tuple[float, float]], segments: int = 20) -> Mesh:
    """Turn a profile of (radius, height), bottom to top, about the z axis; flat ends are closed."""
    radii, heights = np.array(profile, dtype=float).T
    angles = np.linspace(0.0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # [S, 2]
    levels = zip(radii, heights, strict=True)
    rows = [np.column_stack([ring * max(r, 1e-4), np.full(segments, z)]) for r, z in levels]
    ends = np.array([[0.0, 0.0, heights[0]], [0.0, 0.0, heights[-1]]])
    faces = []
    for row in range(len(profile) - 1):
        for s in range(segments):
            a, b = row * segments + s, row * segments + (s + 1) % segments
            c, d = a + segments, b + segments
            faces += [(a, b, d), (a, d, c)]
    bottom, top, last = len(profile) * segments, len(profile) * segments + 1, (len(profile) - 1) * segments
    for s in range(segments):
        after = (s + 1) % segments
        faces += [(bottom, after, s), (top, last + s, last + after)]
    return np.concatenate([*rows, ends]), np.array(faces)


def cushion(size: Sequence[float], roundness: float = 0.35, steps: int = 7) -> Mesh:
    """A box of full `size` whose edges are rounded by `roundness` of its smallest side."""
    half = np.array(size, dtype=float) / 2
    radius = float(roundness * half.min() * 2 * 0.5)
    grid = np.sin(np.linspace(-np.pi / 2, np.pi / 2, steps))
    u, v = np.meshgrid(grid, grid, indexing="ij")
    vertices, faces, offset = [], [], 0
    for axis in range(3):
        for sign in (-1.0, 1.0):
            face = np.zeros((steps, steps, 3))
            face[..., axis] = sign
            face[..., (axis + 1) % 3], face[..., (axis + 2) % 3] = u, v
            points = face.reshape(-1, 3) * half
            inner = np.clip(points, -(half - radius), half - radius)
            out = points - inner
            norm = np.linalg.norm(out, axis=1, keepdims=True)
            vertices.append(inner + out / np.maximum(norm, 1e-9) * radius)
            for i in range(steps - 1):
                for j in range(steps - 1):
                    a = offset + i * steps + j
                    b, c, d = a + steps, a + 1, a + steps + 1
                    faces += [(a, b, d), (a, d, c)] if sign > 0 else [(a, d, b), (a, c, d)]
            offset += steps * steps
    return np.concatenate(vertices), np.array(faces)


def ring(radius: float, tube: float, segments: int = 24, sides: int = 8) -> Mesh:
    """A torus around the z axis."""
    around = np.linspace(0.0, 2 * np.pi, segments, endpoint=False)
    across = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    a, c = np.meshgrid(around, across, indexing="ij")
    distance = radius + tube * np.cos(c)
    vertices = np.stack([distance * np.cos(a), distance * np.sin(a), tube * np.sin(c)], axis=-1).reshape(
        -1, 3
    )
    faces = []
    for i in range(segments):
        for j in range(sides):
            p, q = i * sides + j, ((i + 1) % segments) * sides + j
            r, s = i * sides + (j + 1) % sides, ((i + 1) % segments) * sides + (j + 1) % sides
            faces += [(p, q, s), (p, s, r)]
    return vertices, np.array(faces)


def leaf(length: float, width: float, bend: float = 0.35, steps: int = 6) -> Mesh:
    """A bent leaf that grows from the origin along +x and droops; drawn from both sides."""
    t = np.linspace(0.0, 1.0, steps)
    half = width / 2 * np.sin(np.pi * np.clip(t * 0.95 + 0.03, 0, 1)) + 0.002
    spine = np.stack([t * length, np.zeros(steps), length * (0.6 * t - (0.6 + bend) * t**2)], axis=1)
    side = np.array([0.0, 1.0, 0.0])
    top = np.concatenate([spine + half[:, None] * side, spine - half[:, None] * side])
    vertices = np.concatenate([top, top - np.array([0.0, 0.0, 0.004])])
    faces = []
    for i in range(steps - 1):
        a, b, c, d = i, i + 1, steps + i, steps + i + 1
        faces += [(a, c, d), (a, d, b)]
        a, b, c, d = (k + 2 * steps for k in (a, b, c, d))
        faces += [(a, d, c), (a, b, d)]
    return vertices, np.array(faces)


def prism(outline: Sequence[tuple[float, float]], depth: float) -> Mesh:
    """A convex outline in the x-z plane (counter-clockwise seen from -y), extruded by `depth` along y."""
    points = np.array(outline, dtype=float)
    n = len(points)
    front = np.column_stack([points[:, 0], np.full(n, -depth / 2), points[:, 1]])
    back = front + np.array([0.0, depth, 0.0])
    faces = [(0, i, i + 1) for i in range(1, n - 1)] + [(n, n + i + 1, n + i) for i in range(1, n - 1)]
    for i in range(n):
        j = (i + 1) % n
        faces += [(i, n + i, n + j), (i, n + j, j)]
    return np.concatenate([front, back]), np.array(faces)
