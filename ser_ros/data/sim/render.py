"""Pictures and per-pixel identities of a world, off screen."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_ros.data.sim.world import World
from ser_ros.errors import UserError

if TYPE_CHECKING:
    import mujoco

FOV = 60.0  # vertical and horizontal (the picture is square), degrees


@dataclass(frozen=True)
class Camera:
    """Where the robot's camera is.

    Attributes:
        position: in the world, metres [3].
        yaw: 0 looks along +x, degrees.
        pitch: up is positive, degrees.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors to the right, up and forward."""
        yaw, pitch = np.radians([self.yaw, self.pitch])
        forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
        right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        return right, np.cross(right, forward), forward

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Image coordinates [N, 2] in [0, 1] (unclipped, y down) and depths [N] of world points [N, 3]."""
        right, up, forward = self.axes()
        relative = np.asarray(points) - self.position
        depth = relative @ forward
        scale = 0.5 / np.tan(np.radians(FOV / 2)) / np.maximum(depth, 1e-3)
        return np.stack([0.5 + relative @ right * scale, 0.5 - relative @ up * scale], axis=1), depth


def backend() -> str:
    """Choose MuJoCo's GL backend before MuJoCo is imported: $MUJOCO_GL, or OSMesa (CPU) by default."""
    os.environ.setdefault("LP_NUM_THREADS", "0")  # the processes share the cores already
    return os.environ.setdefault("MUJOCO_GL", "osmesa")


class Eye:
    """Renders one world; close it before the next one is built, whose GL contexts would clash."""

    def __init__(self, world: World, size: int):
        """`size` is the side of the square picture in pixels; raises UserError where no GL is found."""
        gl = backend()
        if importlib.util.find_spec("mujoco") is None:
            raise UserError("the simulated home needs MuJoCo: pip install 'ser-ros[sim]'")
        try:
            import mujoco

            self._mujoco = mujoco
            self._model = mujoco.MjModel.from_xml_string(world.xml, world.assets)
            self._data = mujoco.MjData(self._model)
            mujoco.mj_forward(self._model, self._data)
            self._renderer = mujoco.Renderer(self._model, size, size)
            # Of several samples a GPU makes a mean, and the mean of two identities is a third one.
            self._model.vis.quality.offsamples = 0
            self._identities = mujoco.Renderer(self._model, size, size)
            self._identities.enable_segmentation_rendering()
        # Without the library, PyOpenGL fails with an AttributeError of None while MuJoCo is imported.
        except (ImportError, AttributeError, RuntimeError) as error:
            package = {"osmesa": "libosmesa6", "egl": "libegl1"}.get(gl, "libosmesa6 or libegl1")
            raise UserError(
                f"no OpenGL for off-screen rendering (MUJOCO_GL={gl}): install the system package {package}, "
                f"or choose MUJOCO_GL=osmesa (CPU) or egl (GPU) ({error})"
            ) from error
        ids = [
            mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_BODY, f"t{i}")
            for i in range(len(world.things))
        ]
        thing_of_body = np.full(self._model.nbody, -1)
        thing_of_body[ids] = np.arange(len(ids))
        self._thing_of_geom = np.append(thing_of_body[self._model.geom_bodyid], -1)

    def picture(self, camera: Camera) -> np.ndarray:
        """RGB [H, W, 3] uint8."""
        return self._render(self._renderer, camera)

    def identities(self, camera: Camera) -> np.ndarray:
        """Index of the thing at each pixel, -1 where there is none, [H, W] int."""
        pixels = self._render(self._identities, camera)
        geoms = np.where(pixels[..., 1] == int(self._mujoco.mjtObj.mjOBJ_GEOM), pixels[..., 0], -1)
        return self._thing_of_geom[geoms]

    def _render(self, renderer: mujoco.Renderer, camera: Camera) -> np.ndarray:
        view: mujoco.MjvCamera = self._mujoco.MjvCamera()
        view.type = self._mujoco.mjtCamera.mjCAMERA_FREE
        view.distance = 1.0
        view.azimuth, view.elevation = camera.yaw, camera.pitch
        view.lookat[:] = np.array(camera.position) + camera.axes()[2]
        renderer.update_scene(self._data, view)
        return renderer.render()

    def close(self) -> None:
        """Free the GL contexts."""
        self._renderer.close()
        self._identities.close()


def expose(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a cheap robot camera makes of it: exposure, white balance, a little blur, noise."""
    from PIL import Image, ImageFilter

    blur = rng.uniform(0.0, 0.8) * pixels.shape[1] / 192
    if blur > 0.3:
        pixels = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(blur)))
    gain = rng.uniform(0.82, 1.2) * (1.0 + rng.uniform(-0.04, 0.04, 3))
    grain = rng.normal(0.0, rng.uniform(0.5, 5.0), pixels.shape)
    return np.clip(pixels * gain + grain, 0, 255).astype(np.uint8)
