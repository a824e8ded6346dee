"""caption_node: images of one or many cameras become captions and scene graphs.

ros2 run ser_ros caption_node --ros-args -r image:=/camera/color/image_raw
python -m ser_ros.node.caption_node --ros-args -r image:=/camera/color/image_raw   # without ros2
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import ClockChange, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import String

from ser_ros.errors import UserError
from ser_ros.graph.parser import parse
from ser_ros.graph.triples import SceneTriples
from ser_ros.model.description import Description
from ser_ros.msg import Caption, SceneGraph
from ser_ros.node.annotate import annotate
from ser_ros.node.cameras import Cameras
from ser_ros.node.caption_messages import caption_message
from ser_ros.node.caption_parameters import CaptionParameters
from ser_ros.node.caption_worker import CaptionWorker, Request, Shot
from ser_ros.node.diagnostics import WARN, Latencies, Report
from ser_ros.node.graph_messages import to_message
from ser_ros.node.lifecycle import BURST, HOW_TO_BEGIN, ManagedNode, run
from ser_ros.node.stamps import nanoseconds
from ser_ros.runtime.camera_slots import CameraSlots
from ser_ros.runtime.captioner import Captioner
from ser_ros.runtime.device_memory import accelerator_megabytes
from ser_ros.srv import DescribeImage

STOP_TIMEOUT = 3.0  # seconds to wait for the image in work; below lifecycle.GRACE


class CaptionNode(ManagedNode[CaptionParameters]):
    """Subscriptions fill one slot per camera, one worker thread empties them, this class publishes.

    Attributes:
        cameras: what each camera sent and what became of it.
    """

    def __init__(self, **options: Any):
        super().__init__("caption_node", CaptionParameters, **options)
        self._captioner: Captioner | None = None
        self._worker: CaptionWorker | None = None
        self._slots = CameraSlots(())
        self._latencies = Latencies()
        self.cameras = Cameras(self, self._on_image, self.diagnostics, self._seconds)
        self.diagnostics.add("", self._fill)
        self._caption = self.create_lifecycle_publisher(Caption, "~/caption", 10)
        self._graph = self.create_lifecycle_publisher(SceneGraph, "~/scene_graph", 10)
        self._text = self.create_lifecycle_publisher(String, "~/text", 10)
        self._annotated = self.create_lifecycle_publisher(Image, "~/annotated", 1)
        # reentrant: a request waits for the model while the others are heard
        self.create_service(
            DescribeImage,
            "~/describe",
            self._on_describe,
            qos_profile=BURST,
            callback_group=ReentrantCallbackGroup(),
        )
        jumped = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True)
        self._jump = self.get_clock().create_jump_callback(jumped, post_callback=self._on_jump)

    # Lifecycle ----------------------------------------------------------------------------------

    def configure(self) -> str:
        """Load the model and caption one grey image, so that the first real one is not late."""
        from ser_ros.runtime.load import load_captioner

        wanted = self.parameters.current
        self._captioner = load_captioner(wanted.model, wanted.backend, wanted.device, wanted.dtype)
        self._captioner.describe([np.full((240, 320, 3), 127, np.uint8)], wanted.options())
        parse("a red chair next to a table")
        self.diagnostics.hardware = f"{self._captioner.backend} on {self._captioner.device}"
        return f"model {wanted.model or 'of the package'}, {self.diagnostics.hardware}"

    def cleanup(self) -> None:
        """Free the device; a worker that still runs keeps its captioner until it ends."""
        if self._worker is None and self._captioner is not None:
            self._captioner.close()
        self._captioner = None
        self.diagnostics.hardware = ""

    def activate(self) -> str:
        """Start the worker, then subscribe."""
        assert self._captioner is not None
        if self._worker is not None and not self._worker.stop(STOP_TIMEOUT):
            raise UserError("the model still works on an image from before, activate again later")
        wanted = self.parameters.current
        self._slots = CameraSlots(wanted.cameras)
        self.cameras.open(wanted.cameras, wanted.compressed, wanted.image_reliability, wanted.camera_timeout)
        self._worker = CaptionWorker(
            self._captioner,
            self._slots,
            self.cameras.by_name,
            lambda: self.parameters.current,
            self._seconds,
            self._publish,
            self.diagnostics,
            self._latencies,
        )
        self._worker.start()
        return "listening to " + ", ".join(camera.topic for camera in self.cameras.by_name.values())

    def deactivate(self) -> None:
        """Unsubscribe and end the worker after the image in work."""
        self.cameras.close()
        if self._worker is not None and self._worker.stop(STOP_TIMEOUT):
            self._worker = None

    def check_parameters(self, new: CaptionParameters) -> None:
        """Refuse what the loaded model does not have: a style, a second glance, so many tokens."""
        if self._captioner is not None:
            self._captioner.check(new.options())

    def parameters_changed(self, old: CaptionParameters, new: CaptionParameters) -> None:
        """Most are read anew for each image."""
        self.cameras.set_timeout(new.camera_timeout)

    # Images in, captions out --------------------------------------------------------------------

    def _on_image(self, camera: str, message: Any) -> None:
        self._slots.put(camera, message)

    def _publish(
        self, shot: Shot, description: Description, *, inference_time: float, initial_only: bool
    ) -> None:
        begin = time.monotonic()
        header = shot.message.header
        camera = shot.camera
        message = caption_message(
            description,
            header,
            camera.name,
            initial_only=initial_only,
            inference_time=inference_time,
            age=self._age(header),
            dropped=camera.unreported,
        )
        self._caption.publish(message)
        camera.unreported = 0
        if initial_only:
            return
        self._graph.publish(to_message(self._parse(description.refined), header, camera.name))
        wanted = self.parameters.current
        if wanted.publish_text:
            self._text.publish(String(data=message.refined))
        if wanted.publish_annotated and self._annotated.get_subscription_count():
            self._annotated.publish(annotate(shot.picture, description, header))
        if message.age >= 0:
            self._latencies.add("image stamp to caption", message.age)
        self._latencies.add("parse and publish", time.monotonic() - begin)

    def _parse(self, caption: str) -> SceneTriples:
        try:
            return parse(caption)
        except Exception as error:  # a caption without a graph is better than none
            self.diagnostics.error(
                f"the caption {caption[:80]!r} has no graph: {type(error).__name__}: {error}"
            )
            return SceneTriples(caption)

    async def _on_describe(
        self, request: DescribeImage.Request, response: DescribeImage.Response
    ) -> DescribeImage.Response:
        try:
            message, camera = self._asked_image(request)
            description, seconds = await self._described(request, message)
        except Exception as error:
            reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            response.success, response.message = False, reason
            return response
        header = message.header
        response.caption = caption_message(
            description, header, camera, inference_time=seconds, age=self._age(header)
        )
        response.scene_graph = to_message(self._parse(description.refined), header, camera)
        response.success = True
        return response

    def _asked_image(self, request: DescribeImage.Request) -> tuple[Any, str]:
        """The image to describe and the name of its camera, "" for one that was sent."""
        if self._worker is None or self.state != "active":
            raise UserError(f"the node is {self.state}; {HOW_TO_BEGIN[self.state]}")
        if len(request.image.data):
            return request.image, ""
        names = self.parameters.current.cameras
        camera = request.camera or names[0]
        if camera not in names:
            raise UserError(f"there is no camera {camera!r}; the cameras are {', '.join(names)}")
        newest = self._slots.newest(camera)
        if newest is None:
            raise UserError(f"no image of camera {camera} has arrived yet")
        return newest, camera

    async def _described(self, request: DescribeImage.Request, message: Any) -> tuple[Description, float]:
        wanted = self.parameters.current.options()
        options = type(wanted)(
            request.style or wanted.style,
            wanted.refinements if request.refinements == -1 else int(request.refinements),
            wanted.max_tokens,
            wanted.beams,
        )
        if not 0 <= options.refinements <= 4:
            raise UserError(f"refinements is {options.refinements}; it must be 0 to 4, or -1")
        executor = self.executor
        answer: Future = Future()

        def done(result: Description | Exception, seconds: float) -> None:
            answer.set_result((result, seconds))
            if executor is not None:
                executor.wake()  # a future that another thread completes does not wake it

        assert self._worker is not None
        self._worker.request(Request(message, options, done))
        result, seconds = await answer
        if isinstance(result, Exception):
            raise result
        return result, seconds

    # Time and health ----------------------------------------------------------------------------

    def _seconds(self) -> float:
        return self.get_clock().now().nanoseconds * 1e-9

    def _age(self, header: Any) -> float:
        stamp, now = nanoseconds(header.stamp), self.get_clock().now().nanoseconds
        return (now - stamp) * 1e-9 if stamp and now else -1.0  # simulated time is 0 until it begins

    def _on_jump(self, jump: TimeJump) -> None:
        """A bag starts again, or simulated time begins: what was seen lies in another time."""
        if jump.clock_change == ClockChange.ROS_TIME_NO_CHANGE and jump.delta.nanoseconds >= 0:
            return
        self.get_logger().info(
            "the clock jumped, images and keyframes are forgotten", throttle_duration_sec=10.0
        )
        self.cameras.forget_times()
        if self._worker is not None:
            self._worker.reset()

    def _fill(self, report: Report) -> None:
        report.message = self.state
        if self.state != "active":
            report.worsen(WARN, f"{self.state}, not captioning")
        if trouble := self.trouble():
            report.worsen(WARN, trouble)
        cameras = list(self.cameras.by_name.values())
        now = self._seconds()
        report.values.update(
            {
                "state": self.state,
                "model": self.parameters.current.model or "of the package",
                "images in (Hz)": sum(camera.rate_in.per_second(now) for camera in cameras),
                "captions out (Hz)": sum(camera.rate_out.per_second(now) for camera in cameras),
                "dropped": sum(camera.dropped for camera in cameras),
                "unchanged": sum(camera.unchanged for camera in cameras),
                "unreadable": sum(camera.unreadable for camera in cameras),
            }
        )
        megabytes = accelerator_megabytes()
        if megabytes is not None:
            report.values["device memory (MB)"] = megabytes
        self._latencies.fill(report)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; returns the exit code."""
    return run(CaptionNode, args)


if __name__ == "__main__":
    sys.exit(main())
