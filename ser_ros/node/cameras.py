"""The cameras a node listens to: subscriptions, what came in, and what to say when nothing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rclpy.exceptions import NameValidationException, ParameterException
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

from ser_ros.errors import UserError
from ser_ros.node.diagnostics import ERROR, WARN, Diagnostics, Rate, Report

IMAGE_TYPES = {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"}


@dataclass
class Camera:
    """What one camera sent and what became of it.

    Attributes:
        name: as in the parameter `cameras`.
        topic: the topic after remapping.
        received: images that arrived.
        dropped: replaced by a newer image before the model was free.
        unchanged: skipped by the keyframe gate.
        unreadable: not a colour image, or broken.
        captioned: published with a caption.
        last_problem: why the last unreadable image was none.
        last_arrival: node clock, seconds; None before the first image.
        unreported: dropped since the last message.
    """

    name: str
    topic: str = ""
    received: int = 0
    dropped: int = 0
    unchanged: int = 0
    unreadable: int = 0
    captioned: int = 0
    last_problem: str = ""
    last_arrival: float | None = None
    unreported: int = 0
    rate_in: Rate = field(default_factory=Rate)
    rate_out: Rate = field(default_factory=Rate)


class Cameras:
    """Subscribes to the image topics; calls back with (camera name, message).

    Args:
        node: owns the subscriptions.
        on_image: called in the executor's thread; must return at once.
        diagnostics: hears of QoS that does not fit, and shows a status per camera.
        now: node clock in seconds.
    """

    def __init__(
        self,
        node: Node,
        on_image: Callable[[str, Any], None],
        diagnostics: Diagnostics,
        now: Callable[[], float],
    ):
        self._node, self._on_image, self._diagnostics, self._now = node, on_image, diagnostics, now
        self._subscriptions: list[Any] = []
        self._compressed = False
        self._timeout = 3.0
        self.by_name: dict[str, Camera] = {}

    def open(self, names: tuple[str, ...], compressed: bool, reliability: str, timeout: float) -> None:
        """Subscribe to each name, or to NAME/compressed.

        Raises:
            UserError: a name cannot be a topic, two are the same one, or what overrides its QoS is none.
        """
        self._compressed, self._timeout = compressed, timeout
        self.by_name = {name: Camera(name) for name in names}
        for camera in self.by_name.values():
            topic = f"{camera.name}/compressed" if compressed else camera.name
            try:
                camera.topic = self._node.resolve_topic_name(topic)
            except (NameValidationException, RuntimeError) as error:
                reason = str(error).partition(", at /")[0]  # rcl adds where in its source it says so
                raise UserError(f"parameter cameras is {list(names)}: {reason}") from error
            if camera.topic in {other.topic for other in self.by_name.values() if other is not camera}:
                raise UserError(f"parameter cameras is {list(names)}: {camera.topic} stands there twice")
            try:
                subscription = self._subscribe(camera, topic, reliability)
            except (ParameterException, RuntimeError) as error:
                raise UserError(f"the qos_overrides of {camera.topic} cannot be used: {error}") from error
            self._subscriptions.append(subscription)
            self._diagnostics.add(f"camera {camera.name}", partial(self._fill, camera))

    def close(self) -> None:
        """Unsubscribe; may be called twice."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        for name in self.by_name:
            self._diagnostics.remove(f"camera {name}")

    def set_timeout(self, seconds: float) -> None:
        """Call a camera stale after so long."""
        self._timeout = seconds

    def forget_times(self) -> None:
        """The clock jumped: what arrived before tells nothing."""
        for camera in self.by_name.values():
            camera.last_arrival = None
            camera.rate_in, camera.rate_out = Rate(), Rate()

    def _subscribe(self, camera: Camera, topic: str, reliability: str) -> Any:
        # sensor data, but only the newest: an older image would be dropped anyway
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=1,
            reliability=ReliabilityPolicy.RELIABLE
            if reliability == "reliable"
            else ReliabilityPolicy.BEST_EFFORT,
        )

        def on_message(message: Any) -> None:
            now = self._now()
            camera.received += 1
            camera.last_arrival = now
            camera.rate_in.add(now)
            self._on_image(camera.name, message)

        def on_incompatible(event: Any) -> None:
            self._diagnostics.error(
                f"topic {camera.topic}: {event.total_count} publisher(s) offer a QoS that the "
                "subscription does not accept; set image_reliability to best_effort"
            )

        return self._node.create_subscription(
            CompressedImage if self._compressed else Image,
            topic,  # not the resolved one, which might be remapped once more
            on_message,
            qos,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=on_incompatible),
            qos_overriding_options=QoSOverridingOptions(self._overridable(camera.topic)),
        )

    def _overridable(self, topic: str) -> list[QoSPolicyKind]:
        """The policies that parameters may override.

        rclpy keeps the first value of each as a parameter for good, which a later `image_reliability` could
        not change: so its policy is among them only where somebody overrides it.
        """
        name = f"qos_overrides.{topic}.subscription.reliability"
        overridden = name in getattr(self._node, "_parameter_overrides", {})
        kinds = [QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]
        return [*kinds, QoSPolicyKind.RELIABILITY] if overridden else kinds

    def _fill(self, camera: Camera, report: Report) -> None:
        now = self._now()
        report.values.update(
            {
                "topic": camera.topic,
                "images in (Hz)": camera.rate_in.per_second(now),
                "captions out (Hz)": camera.rate_out.per_second(now),
                "received": camera.received,
                "captioned": camera.captioned,
                "dropped": camera.dropped,
                "unchanged": camera.unchanged,
                "unreadable": camera.unreadable,
                "last problem": camera.last_problem or "none",
            }
        )
        if camera.last_arrival is None:
            report.worsen(WARN, self._why_silent(camera))
        elif now - camera.last_arrival > self._timeout:
            report.worsen(ERROR, f"no image on {camera.topic} for {now - camera.last_arrival:.1f} s")
        elif camera.unreadable and camera.captioned == 0 and camera.unchanged == 0:
            report.worsen(ERROR, f"no image of {camera.topic} could be read: {camera.last_problem}")

    def _why_silent(self, camera: Camera) -> str:
        """A sentence on what is on the ROS graph instead of an image."""
        wanted = "sensor_msgs/msg/CompressedImage" if self._compressed else "sensor_msgs/msg/Image"
        # not get_topic_names_and_types: that lists the type of our own subscription as well
        there = {publisher.topic_type for publisher in self._node.get_publishers_info_by_topic(camera.topic)}
        if there and wanted not in there:
            return f"{camera.topic} is of type {', '.join(there)}, not {wanted}; see the parameter compressed"
        if there:
            return f"no image on {camera.topic} yet, though it has a publisher"
        own = self._node.get_fully_qualified_name() + "/"
        seen = [
            topic
            for topic, types in sorted(self._node.get_topic_names_and_types())
            if IMAGE_TYPES.intersection(types)
            and not topic.startswith(own)
            and self._node.count_publishers(topic)
        ]
        others = f"; image topics with a publisher: {', '.join(seen[:8])}" if seen else ""
        return f"nobody publishes {camera.topic}{others}"
