"""The one thread that runs the model: newest images of all cameras in turn, and requests first.

Nothing here knows topics: images come from `CameraSlots`, captions go to a `Publish` callback.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ser_ros.errors import UserError
from ser_ros.model.description import Description
from ser_ros.node.cameras import Camera
from ser_ros.node.caption_parameters import CaptionParameters
from ser_ros.node.diagnostics import Diagnostics, Latencies
from ser_ros.runtime.camera_slots import CameraSlots, RateLimit, Waiting
from ser_ros.runtime.captioner import Captioner, CaptionOptions
from ser_ros.runtime.device_memory import free_memory, is_out_of_memory
from ser_ros.runtime.image_messages import ImageError, compressed_to_rgb, image_to_rgb
from ser_ros.runtime.keyframe_gate import KeyframeGate

MAX_REQUESTS = 16  # more are refused: an answer would come too late


class Publish(Protocol):
    """Sends one caption; called in the worker's thread."""

    def __call__(
        self, shot: Shot, description: Description, *, inference_time: float, initial_only: bool
    ) -> None: ...


@dataclass(frozen=True)
class Shot:
    """An image that is being captioned: `picture` is [H, W, 3] uint8 RGB."""

    camera: Camera
    message: Any
    picture: np.ndarray
    arrived: float


@dataclass(frozen=True)
class Request:
    """An image somebody asked for; `done` is called with a Description or an Exception."""

    message: Any
    options: CaptionOptions
    done: Callable[[Description | Exception, float], None]


def to_rgb(message: Any, rotation: int) -> np.ndarray:
    """[H, W, 3] uint8 of an Image or a CompressedImage; raises ImageError."""
    return (compressed_to_rgb if hasattr(message, "format") else image_to_rgb)(message, rotation)


class CaptionWorker:
    """Runs from `start` to `stop`; one of them per activation.

    Args:
        captioner: used by this thread alone while it runs.
        slots: where the images wait.
        cameras: statistics by camera name.
        parameters: the current snapshot.
        now: node clock in seconds.
        publish: sends a caption.
        diagnostics: hears of what went wrong.
        latencies: gets the seconds of each stage.
    """

    def __init__(
        self,
        captioner: Captioner,
        slots: CameraSlots,
        cameras: dict[str, Camera],
        parameters: Callable[[], CaptionParameters],
        now: Callable[[], float],
        publish: Publish,
        diagnostics: Diagnostics,
        latencies: Latencies,
    ):
        self._captioner, self._slots, self._cameras = captioner, slots, cameras
        self._parameters, self._now, self._publish = parameters, now, publish
        self._diagnostics, self._latencies = diagnostics, latencies
        self._gate, self._rate = KeyframeGate(), RateLimit()
        self._requests: deque[Request] = deque()
        self._stopping = self._reset_wanted = False
        self._batch_fits = True
        self._thread = threading.Thread(target=self._run, name="captioner")

    def start(self) -> None:
        """Begin to caption."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End after the image in work; open requests are refused.

        Returns:
            False when the image in work takes longer than `timeout` seconds: the thread still runs.
        """
        self._stopping = True
        self._slots.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)
        while self._requests:
            self._requests.popleft().done(UserError("the node was deactivated"), 0.0)
        return not self._thread.is_alive()

    def request(self, request: Request) -> None:
        """Caption an image before all that wait.

        Raises:
            UserError: too many requests wait.
        """
        if len(self._requests) >= MAX_REQUESTS:
            raise UserError(f"{MAX_REQUESTS} requests wait already, ask again later")
        self._requests.append(request)
        self._slots.wake()

    def reset(self) -> None:
        """Forget what was seen and when (the clock jumped)."""
        self._slots.clear()
        self._reset_wanted = True
        self._slots.wake()

    def _run(self) -> None:
        while not self._stopping:
            try:
                if self._reset_wanted:
                    self._reset_wanted = False
                    self._gate.reset()
                    self._rate.reset()
                if self._requests:
                    self._answer(self._requests.popleft())
                    continue
                waiting = self._slots.take(self._most(), self._pause)
                if waiting:
                    self._caption(waiting)
            except Exception as error:  # a bug must cost one image, not the node
                self._failed("captioning failed", error)

    def _most(self) -> int:
        if not self._batch_fits:
            return 1
        wanted = self._parameters().max_batch
        return wanted or (1 if self._captioner.device.startswith("cpu") else len(self._cameras))

    def _pause(self, camera: str) -> float:
        return self._rate.pause(camera, self._now(), self._parameters().max_rate_hz)

    def _caption(self, waiting: Sequence[Waiting]) -> None:
        parameters = self._parameters()
        shots = [shot for frame in waiting if (shot := self._look(frame, parameters)) is not None]
        if not shots:
            return
        begin = time.monotonic()
        descriptions = self._describe(shots, parameters)
        seconds = time.monotonic() - begin
        for shot, description in zip(shots, descriptions, strict=True):
            if description is None:
                self._gate.forget(shot.camera.name)
                continue
            self._latencies.add_all(description.timings.items())
            self._publish(shot, description, inference_time=seconds, initial_only=False)
            shot.camera.captioned += 1
            shot.camera.rate_out.add(self._now())
        self._latencies.add("model", seconds)

    def _look(self, frame: Waiting, parameters: CaptionParameters) -> Shot | None:
        """The image, if it can be read and is worth a caption."""
        camera = self._cameras[frame.camera]
        camera.dropped += frame.dropped
        camera.unreported += frame.dropped
        now = self._now()
        self._rate.mark(camera.name, now, parameters.max_rate_hz)
        begin = time.monotonic()
        self._latencies.add("wait", begin - frame.arrived)
        try:
            picture = to_rgb(frame.image, parameters.rotation)
        except ImageError as error:
            camera.unreadable += 1
            camera.last_problem = str(error)
            self._diagnostics.error(f"camera {camera.name}: {error}", topic=camera.name)
            return None
        keyframe = self._gate.is_keyframe(
            camera.name, picture, now, parameters.keyframe_threshold, parameters.keyframe_max_interval
        )
        self._latencies.add("convert", time.monotonic() - begin)
        if not keyframe:
            camera.unchanged += 1
            return None
        return Shot(camera, frame.image, picture, frame.arrived)

    def _describe(self, shots: Sequence[Shot], parameters: CaptionParameters) -> list[Description | None]:
        begin = time.monotonic()
        initial: list[Description | None] = [None] * len(shots)

        def on_initial(index: int, description: Description) -> None:
            initial[index] = description
            if parameters.publish_initial and parameters.refinements:
                seconds = time.monotonic() - begin
                self._publish(shots[index], description, inference_time=seconds, initial_only=True)

        pictures = [shot.picture for shot in shots]
        deadline = (
            min(self._deadline(shot, parameters.deadline) for shot in shots) if parameters.deadline else None
        )
        try:
            described = self._captioner.describe(
                pictures, parameters.options(), on_initial=on_initial, deadline=deadline
            )
        except Exception as error:
            full = is_out_of_memory(error)
            self._failed("out of memory, the initial caption is kept" if full else "captioning failed", error)
            if full:
                free_memory()
            if full and len(shots) > 1 and not any(initial):
                self._batch_fits = False
                return [self._describe([shot], parameters)[0] for shot in shots]
            return [_kept(description) for description in initial]
        if deadline is None and any("refinement_skipped" in one.flags for one in described):
            # the captioner itself kept the initial caption; without a deadline it has one reason
            self._failed("out of memory in the second glance, the initial caption is kept", None)
        return list(described)

    def _deadline(self, shot: Shot, seconds: float) -> float:
        """`time.monotonic()` by which the refined caption of `shot` should be out."""
        stamp = shot.message.header.stamp
        age = self._now() - (stamp.sec + stamp.nanosec * 1e-9)
        if age < 0 or (stamp.sec == 0 and stamp.nanosec == 0):  # no stamp, or another clock's
            return shot.arrived + seconds
        return time.monotonic() + seconds - age

    def _answer(self, request: Request) -> None:
        begin = time.monotonic()
        result: Description | Exception
        try:
            picture = to_rgb(request.message, self._parameters().rotation)
            result = self._captioner.describe([picture], request.options)[0]
        except Exception as error:
            result = error
            if not isinstance(error, UserError):
                self._failed("a request failed", error)
            if is_out_of_memory(error):
                free_memory()
        request.done(result, time.monotonic() - begin)

    def _failed(self, what: str, error: Exception | None) -> None:
        if error is None:
            self._diagnostics.error(what)
        elif isinstance(error, UserError):
            self._diagnostics.error(f"{what}: {error}", topic=what)
        else:
            # the first line: CUDA's text goes on with advice and addresses
            reason = (str(error).splitlines() or [""])[0][:200]
            self._diagnostics.error(f"{what}: {type(error).__name__}: {reason}", topic=what)
            self._diagnostics.debug(traceback.format_exc())


def _kept(initial: Description | None) -> Description | None:
    """The initial caption as the result, flagged."""
    if initial is None or "refinement_skipped" in initial.flags:
        return initial
    return replace(initial, flags=[*initial.flags, "refinement_skipped"])
