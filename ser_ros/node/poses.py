"""Where the robot stood at a stamp: from tf2 where it is installed, else from odometry or a pose topic.

Nothing here waits: a pose that is not known yet is asked for again later by the caller.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Protocol

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time

from ser_ros.errors import UserError
from ser_ros.graph.pose import Pose, pose_from
from ser_ros.node.pose_buffer import PoseBuffer, Unknown
from ser_ros.node.stamps import SECOND, nanoseconds

SOURCES = ("auto", "tf", "odometry", "pose", "none")
# Odometry at 10 Hz or more: an image that came before the next sample takes the last one.
TOLERANCE = SECOND // 5


class PoseSource(Protocol):
    """Something that knows where the robot stood.

    Attributes:
        description: what the poses come from, for the log.
    """

    description: str

    @property
    def trouble(self) -> str:
        """Why the newest pose that came cannot be used; "" where it can."""

    def at(self, stamp: int) -> Pose | Unknown:
        """The robot's pose at a stamp in nanoseconds."""

    def at_last(self, stamp: int) -> Pose | None:
        """The best guess when there is no more time to wait; None rather than a wrong one."""

    def clear(self) -> None:
        """Forget all poses, as after a jump in time."""

    def close(self) -> None:
        """Take back the subscriptions."""


class NoPoses:
    """Nobody knows where the robot stands."""

    description = "no poses"
    trouble = ""

    def at(self, stamp: int) -> Pose | Unknown:
        return Unknown.NEVER

    def at_last(self, stamp: int) -> Pose | None:
        return None

    def clear(self) -> None:
        pass

    def close(self) -> None:
        pass


class TopicPoses:
    """Poses from a topic of nav_msgs/Odometry or geometry_msgs/PoseStamped."""

    def __init__(self, node: Node, kind: type, topic: str):
        self._node, self._buffer = node, PoseBuffer()
        self._subscription = node.create_subscription(kind, topic, self._take, qos_profile_sensor_data)
        self.description = f"{kind.__name__} on {self._subscription.topic_name}"
        self.trouble = ""

    def at(self, stamp: int) -> Pose | Unknown:
        return self._buffer.at(stamp)

    def at_last(self, stamp: int) -> Pose | None:
        return self._buffer.newest_within(stamp, TOLERANCE)

    def clear(self) -> None:
        self._buffer.clear()

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _take(self, message: Any) -> None:
        pose = getattr(message.pose, "pose", message.pose)  # Odometry holds it one level deeper
        try:
            taken = pose_from(message.header.frame_id, pose.position, pose.orientation)
        except UserError as error:
            self.trouble = f"the newest {self.description} is left out: {error}"
            return
        self.trouble = ""
        self._buffer.add(nanoseconds(message.header.stamp), taken)


class TfPoses:
    """Poses from tf2: `base_frame` in `frame`. What is no transform tf2 itself leaves out."""

    trouble = ""

    def __init__(self, node: Node, frame: str, base_frame: str):
        from tf2_ros import Buffer, TransformListener

        self._frame, self._base = frame, base_frame
        # Without the node: with it, each activation would leave a service "tf2_frames" behind.
        self._buffer = Buffer(cache_time=Duration(seconds=30))
        self._listener = TransformListener(self._buffer, node, spin_thread=False)
        self.description = f"tf from {frame} to {base_frame}"

    def at(self, stamp: int) -> Pose | Unknown:
        import tf2_ros

        try:
            found = self._buffer.lookup_transform(
                self._frame, self._base, Time(nanoseconds=stamp), Duration()
            )
        except tf2_ros.ExtrapolationException as error:
            return Unknown.NOT_YET if "future" in str(error) else Unknown.NEVER
        except tf2_ros.TransformException:
            return Unknown.NOT_YET
        return pose_from(self._frame, found.transform.translation, found.transform.rotation)

    def at_last(self, stamp: int) -> Pose | None:
        import tf2_ros

        try:
            newest = self._buffer.lookup_transform(self._frame, self._base, Time(), Duration())
        except tf2_ros.TransformException:
            return None
        if abs(stamp - nanoseconds(newest.header.stamp)) > TOLERANCE:
            return None
        return pose_from(self._frame, newest.transform.translation, newest.transform.rotation)

    def clear(self) -> None:
        self._buffer.clear()

    def close(self) -> None:
        self._listener.unregister()


class FirstPoses:
    """Poses from the first source that knows one for a scene, and from it alone from then on.

    The sources are in order of preference: a later one is asked when a scene has no more time to wait.
    Two at once would mix their frames.
    """

    def __init__(self, *sources: PoseSource):
        self._sources = list(sources)
        self.description = ", or else ".join(source.description for source in sources)

    @property
    def trouble(self) -> str:
        return next((source.trouble for source in self._sources if source.trouble), "")

    def at(self, stamp: int) -> Pose | Unknown:
        found = self._sources[0].at(stamp)
        if isinstance(found, Pose):
            self._settle(self._sources[0])
        return found

    def at_last(self, stamp: int) -> Pose | None:
        for source in self._sources:
            found = source.at(stamp)
            pose = found if isinstance(found, Pose) else source.at_last(stamp)
            if pose is not None:
                self._settle(source)
                return pose
        return None

    def clear(self) -> None:
        for source in self._sources:
            source.clear()

    def close(self) -> None:
        for source in self._sources:
            source.close()

    def _settle(self, chosen: PoseSource) -> None:
        for source in self._sources:
            if source is not chosen:
                source.close()
        self._sources, self.description = [chosen], chosen.description


def open_source(
    node: Node, source: str, *, frame: str, base_frame: str, odometry_topic: str, pose_topic: str
) -> PoseSource:
    """The source of poses that the parameters ask for; "auto" is tf where it knows, else odometry.

    Raises:
        UserError: tf is asked for and tf2_ros is not installed.
    """
    from geometry_msgs.msg import PoseStamped
    from nav_msgs.msg import Odometry

    has_tf = find_spec("tf2_ros") is not None
    if source == "tf" and not has_tf:
        raise UserError(
            "parameter pose_source is 'tf', but tf2_ros is not installed: install ros-$ROS_DISTRO-tf2-ros-py "
            "or set pose_source to 'odometry'"
        )
    if source == "tf":
        return TfPoses(node, frame or "map", base_frame)
    if source == "auto" and has_tf:
        odometry = TopicPoses(node, Odometry, odometry_topic)
        return FirstPoses(TfPoses(node, frame or "map", base_frame), odometry)
    if source in ("auto", "odometry"):
        return TopicPoses(node, Odometry, odometry_topic)
    if source == "pose":
        return TopicPoses(node, PoseStamped, pose_topic)
    return NoPoses()
