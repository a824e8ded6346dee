"""viewer_node: images, captions, scene graphs and the memory's map in the Rerun viewer, live (extra `[viz]`).

ros2 launch ser_ros caption.launch.py viewer:=rerun
python -m ser_ros.node.viewer_node --ros-args -r image:=/camera/image_raw   # without ros2
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from ser_ros.graph.pose import Pose
from ser_ros.msg import Caption, SceneGraph
from ser_ros.node.cameras import Cameras
from ser_ros.node.caption_worker import to_rgb
from ser_ros.node.diagnostics import Report
from ser_ros.node.graph_messages import from_message
from ser_ros.node.lifecycle import ManagedNode, run
from ser_ros.node.live_record import record_of
from ser_ros.node.poses import NoPoses, PoseSource, open_source
from ser_ros.node.rerun_process import RerunProcess
from ser_ros.node.stamps import nanoseconds
from ser_ros.node.viewer_parameters import ViewerParameters
from ser_ros.replay import rerun_drawing as drawing
from ser_ros.replay.map_drawing import sightings
from ser_ros.replay.thumbnails import jpeg
from ser_ros.runtime.image_messages import ImageError

PICTURE_WIDTH = 640  # pixels, as much as a view shows
STEP = 0.05  # metres between two points of the robot's way
LEAP = 2.0  # metres; a longer step corrects the localisation and is no way
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class ViewerNode(ManagedNode[ViewerParameters]):
    """Draws what the other nodes publish; it changes nothing and may be started and ended at any time.

    Attributes:
        drawn: how many of each kind of message were shown.
    """

    def __init__(self, **options: Any):
        super().__init__("viewer_node", ViewerParameters, **options)
        self.drawn: Counter[str] = Counter()
        self._viewer: RerunProcess | None = None
        self._recording: Any = None
        self._poses: PoseSource = NoPoses()
        self._entities: list[tuple[Any, Any]] = []  # (how to destroy it, what)
        self._due: dict[str, float] = {}  # camera -> steady seconds of its next picture
        self._stamp = 0  # of the newest picture or caption, nanoseconds
        self._way_end: tuple[float, float] | None = None
        self.cameras = Cameras(self, self._on_image, self.diagnostics, self._seconds)
        self.diagnostics.add("", self._fill)

    # Lifecycle ----------------------------------------------------------------------------------

    def configure(self) -> str:
        """Start the viewer and connect to it."""
        wanted = self.parameters.current
        screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
        window = screen if wanted.window == "auto" else wanted.window == "always"
        self._viewer = RerunProcess(window, wanted.port, wanted.web_port, wanted.memory_mb)
        self._recording = drawing.import_rerun().RecordingStream(drawing.APPLICATION)
        self._recording.connect_grpc(self._viewer.source, default_blueprint=drawing.blueprint(wanted.cameras))
        return f"open {self._viewer.page} in a browser" if self._viewer.page else "in a window"

    def cleanup(self) -> None:
        """Close the viewer."""
        if self._recording is not None:
            self._recording.disconnect()
            self._recording = None
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None

    def activate(self) -> str:
        """Subscribe to all that can be shown."""
        wanted = self.parameters.current
        self._due.clear()
        self.cameras.open(wanted.cameras, wanted.compressed, wanted.image_reliability, wanted.camera_timeout)
        self._poses = open_source(
            self,
            wanted.pose_source,
            frame=wanted.map_frame,
            base_frame=wanted.base_frame,
            odometry_topic=wanted.odometry_topic,
            pose_topic=wanted.pose_topic,
        )
        for kind, topic, callback, qos in (
            (Caption, "caption_node/caption", self._on_caption, 10),
            (SceneGraph, "caption_node/scene_graph", self._on_scene, 10),
            (String, "memory_node/graph", self._on_memory, LATCHED),
        ):
            subscription = self.create_subscription(kind, topic, callback, qos)
            self._entities.append((self.destroy_subscription, subscription))
        timer = self.create_timer(0.2, self._work, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._entities.append((self.destroy_timer, timer))
        topics = ", ".join(camera.topic for camera in self.cameras.by_name.values())
        return f"showing {topics}, {self._poses.description}"

    def deactivate(self) -> None:
        """Unsubscribe; the viewer keeps what it shows."""
        self.cameras.close()
        for destroy, entity in self._entities:
            destroy(entity)
        self._entities.clear()
        self._poses.close()
        self._poses = NoPoses()

    # What is shown ------------------------------------------------------------------------------

    def _on_image(self, name: str, message: Any) -> None:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return
        wanted, camera = self.parameters.current, self.cameras.by_name[name]
        self._due[name] = now + 1 / wanted.max_rate_hz
        try:
            picture = to_rgb(message, wanted.rotation)
        except ImageError as error:
            camera.unreadable, camera.last_problem = camera.unreadable + 1, str(error)
            return
        self._begin(message.header)
        drawing.log_image(self._recording, name, jpeg(picture, PICTURE_WIDTH))
        self.drawn["images"] += 1

    def _on_caption(self, message: Caption) -> None:
        self._begin(message.header)
        record = record_of(message)
        drawing.log_caption(self._recording, record.camera, record.initial, record.edits, record.confidence)
        self.drawn["captions"] += 1

    def _on_scene(self, message: SceneGraph) -> None:
        self._begin(message.header)
        drawing.log_scene(self._recording, message.camera, from_message(message))
        self.drawn["scenes"] += 1

    def _on_memory(self, message: String) -> None:
        world = nx.node_link_graph(json.loads(message.data), edges="edges")
        drawing.set_stamp(self._recording, self._stamp)
        drawing.log_places(self._recording, sightings(world))
        self.drawn["maps"] += 1

    def _work(self) -> None:
        if self._viewer is not None and not self._viewer.running:
            self.get_logger().info("the viewer was closed; configure and activate open it again")
            self.trigger_deactivate()
            self.trigger_cleanup()
            return
        exact = self._poses.at(self._stamp)
        pose = exact if isinstance(exact, Pose) else self._poses.at_last(self._stamp)
        if pose is not None and self._stamp:
            drawing.set_stamp(self._recording, self._stamp)
            drawing.log_robot(self._recording, pose)
            self._draw_way(pose.x, pose.y)

    def _draw_way(self, x: float, y: float) -> None:
        if self._way_end is None:
            self._way_end = (x, y)
        way = np.array([self._way_end, (x, y)])
        step = float(np.hypot(*(way[1] - way[0])))
        if step >= STEP:
            if step <= LEAP:
                drawing.log_way(self._recording, way)
            self._way_end = (x, y)

    def _begin(self, header: Any) -> None:
        self._stamp = nanoseconds(header.stamp)
        drawing.set_stamp(self._recording, self._stamp)

    def _seconds(self) -> float:
        return self.get_clock().now().nanoseconds * 1e-9

    def _fill(self, report: Report) -> None:
        report.message = self.state
        report.values["state"] = self.state
        report.values.update({f"{kind} shown": number for kind, number in sorted(self.drawn.items())})
        if self._viewer is not None and self._viewer.page:
            report.values["page"] = self._viewer.page


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until Ctrl-C."""
    return run(ViewerNode, args)


if __name__ == "__main__":
    sys.exit(main())
