"""From furnished rooms to a MuJoCo model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ser_ros.data.sim import textures
from ser_ros.data.sim.layout import Room, Thing
from ser_ros.data.sim.palette import lighter
from ser_ros.data.sim.parts import Part, rotation

HEIGHT = 2.5  # of the walls, metres
LARGEST = 640  # side of a picture, pixels: MuJoCo's off-screen buffer is made so large
SHADOWS = 0.4  # share of rooms whose lamp casts shadows; they treble the time of a picture
_FINISH = {
    "matte": 'specular="0.1" shininess="0.1"',
    "gloss": 'specular="0.6" shininess="0.6"',
    "metal": 'specular="0.9" shininess="0.8"',
    "glow": 'specular="0" emission="0.55"',
}


@dataclass
class World:
    """Rooms as MuJoCo reads them.

    Attributes:
        xml: the model; body `t<i>` is `things[i]`.
        assets: texture files by name.
        things: every thing of every room.
    """

    xml: str
    assets: dict[str, bytes]
    things: list[Thing]


@dataclass
class _Writer:
    assets: dict[str, bytes] = field(default_factory=dict)
    asset_xml: list[str] = field(default_factory=list)
    body_xml: list[str] = field(default_factory=list)
    count: int = 0

    def material(self, png: bytes, finish: str, repeat: tuple[float, float] = (1, 1)) -> str:
        name = f"m{self.count}"
        self.count += 1
        self.assets[f"{name}.png"] = png
        self.asset_xml.append(f'<texture name="{name}" type="2d" file="{name}.png"/>')
        self.asset_xml.append(
            f'<material name="{name}" texture="{name}" texrepeat="{_words(repeat)}" {_FINISH[finish]}/>'
        )
        return name

    def geom(self, part: Part) -> str:
        turn, size = rotation(part.euler), part.size
        if part.texture is not None:
            # A 2d texture lies in the geom's x-y plane (a cube texture takes 50 ms to upload on a CPU):
            # let that be the front of upright panels.
            look = f'material="{self.material(part.texture, part.finish)}"'
            if size[1] < size[2]:
                turn, size = turn @ rotation((90, 0, 0)), (size[0], size[2], size[1])
        else:
            look = f'material="{part.finish}" rgba="{_words(np.clip(part.colour, 0.001, 0.999))} 1"'
        where = f'pos="{_words(part.position)}" quat="{_words(_quaternion(turn))}"'
        if part.mesh is None:
            return f'<geom type="{part.shape}" size="{_words(size)}" {where} {look}/>'
        name = f"m{self.count}"
        self.count += 1
        vertices, faces = part.mesh
        self.asset_xml.append(
            f'<mesh name="{name}" inertia="shell" vertex="{_words(vertices.ravel())}"'
            f' face="{" ".join(map(str, faces.ravel()))}"/>'
        )
        return f'<geom type="mesh" mesh="{name}" {where} {look}/>'


def build(rooms: list[Room], rng: np.random.Generator, walls: list[tuple] | None = None) -> World:
    """Write the model; `walls` are boxes (x0, y0, x1, y1, z0, z1, colour), else four are around each room."""
    out = _Writer()
    things = [thing for room in rooms for thing in room.things]
    for room in rooms:
        _shell(out, room, rng, with_walls=walls is None)
    for x0, y0, x1, y1, z0, z1, colour in walls or ():
        out.body_xml.append(_box(x0, y0, x1, y1, z0, z1, f'material="matte" rgba="{_words(colour)} 1"'))
    for index, thing in enumerate(things):
        quat = _quaternion(rotation((0, 0, thing.yaw)))
        geoms = "".join(out.geom(part) for part in thing.parts.parts)
        out.body_xml.append(
            f'<body name="t{index}" pos="{_words(thing.position)}" quat="{_words(quat)}">{geoms}</body>'
        )
    finishes = "".join(f'<material name="{name}" {look}/>' for name, look in _FINISH.items())
    xml = (
        '<mujoco><compiler angle="degree"/>'
        f'<visual><global offwidth="{LARGEST}" offheight="{LARGEST}" fovy="60"/>'
        f'<headlight ambient="{_grey(rng, 0.30, 0.42)}" diffuse="{_grey(rng, 0.15, 0.30)}" specular="0 0 0"/>'
        '<map znear="0.02" zfar="30" shadowclip="4"/><quality shadowsize="2048" offsamples="4"/></visual>'
        '<statistic extent="1" center="0 0 1"/>'
        '<default><geom contype="0" conaffinity="0" density="10"/></default>'
        f"<asset>{finishes}{''.join(out.asset_xml)}</asset>"
        f"<worldbody>{''.join(out.body_xml)}</worldbody></mujoco>"
    )
    return World(xml, out.assets, things)


def _shell(out: _Writer, room: Room, rng: np.random.Generator, with_walls: bool) -> None:
    (cx, cy), (w, d) = room.centre, room.size
    draw = {"wood": textures.floor_boards, "tiles": textures.tiles, "carpet": textures.carpet}[room.floor]
    name = out.material(
        draw(rng, room.floor_colour), "gloss" if room.floor == "tiles" else "matte", (w / 1.2, d / 1.2)
    )
    out.body_xml.append(
        f'<geom type="plane" pos="{cx:.3f} {cy:.3f} 0" size="{w / 2:.3f} {d / 2:.3f} 0.1" material="{name}"/>'
    )
    ceiling = _words(lighter(room.wall_colour, 0.6))
    look = f'material="matte" rgba="{ceiling} 1"'
    out.body_xml.append(_box(cx - w / 2, cy - d / 2, cx + w / 2, cy + d / 2, HEIGHT, HEIGHT + 0.05, look))
    warm = rng.uniform(0.86, 1.0)
    power = rng.uniform(0.45, 0.7) * (1.0 if with_walls else 0.6)  # a home has many lamps
    shadow = "true" if rng.random() < SHADOWS and with_walls else "false"
    at = (cx + rng.uniform(-0.5, 0.5) * w * 0.6, cy + rng.uniform(-0.5, 0.5) * d * 0.6)
    out.body_xml.append(
        f'<light pos="{at[0]:.3f} {at[1]:.3f} {HEIGHT - 0.15}" dir="0 0 -1" cutoff="78" exponent="0.6"'
        f' castshadow="{shadow}"'
        f' diffuse="{power:.3f} {power * (warm + 1) / 2:.3f} {power * warm:.3f}" specular="0.2 0.2 0.2"'
        ' attenuation="0.75 0.08 0.02"/>'
    )
    if not with_walls:
        return
    paper = textures.plaster(rng, room.wall_colour)
    long, short = (out.material(paper, "matte", (n / 1.5, 1.5)) for n in (w, d))
    trim = f'material="matte" rgba="{_words(lighter(room.wall_colour, 0.5))} 1"'
    sides = ((cx, cy + d / 2, w, 0, long), (cx + w / 2, cy, d, -90, short),
             (cx, cy - d / 2, w, 180, long), (cx - w / 2, cy, d, 90, short))  # fmt: skip
    for x, y, length, angle, look in sides:
        # A plane's front is its local +z; turn that into the room.
        turn = rotation((0, 0, angle)) @ rotation((90, 0, 0))
        quat = _words(_quaternion(turn))
        out.body_xml.append(
            f'<geom type="plane" pos="{x:.3f} {y:.3f} {HEIGHT / 2}" quat="{quat}"'
            f' size="{length / 2:.3f} {HEIGHT / 2} 0.1" material="{look}"/>'
        )
        inward = rotation((0, 0, angle)) @ [0, -0.008, 0]
        out.body_xml.append(
            f'<geom type="box" pos="{x + inward[0]:.3f} {y + inward[1]:.3f} 0.05"'
            f' quat="{_words(_quaternion(rotation((0, 0, angle))))}"'
            f' size="{length / 2:.3f} 0.008 0.05" {trim}/>'
        )


def _box(x0, y0, x1, y1, z0, z1, look: str) -> str:
    centre = _words(((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2))
    half = _words(((x1 - x0) / 2, (y1 - y0) / 2, (z1 - z0) / 2))
    return f'<geom type="box" pos="{centre}" size="{half}" {look}/>'


def _grey(rng: np.random.Generator, low: float, high: float) -> str:
    return _words([rng.uniform(low, high)] * 3)


def _words(values) -> str:
    return " ".join(f"{v:.4f}" for v in values)


def _quaternion(matrix: np.ndarray) -> tuple[float, float, float, float]:
    """(w, x, y, z) of a rotation matrix, by the largest diagonal term for stability."""
    m = matrix
    candidates = np.array([m.trace(), m[0, 0], m[1, 1], m[2, 2]])
    k = int(candidates.argmax())
    if k == 0:
        q = np.array([1 + m.trace(), m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    else:
        i = k - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q = np.zeros(4)
        q[0] = m[k, j] - m[j, k]
        q[1 + i] = 1 + 2 * m[i, i] - m.trace()
        q[1 + j] = m[j, i] + m[i, j]
        q[1 + k] = m[k, i] + m[i, k]
    q = q / np.linalg.norm(q)
    return float(q[0]), float(q[1]), float(q[2]), float(q[3])
