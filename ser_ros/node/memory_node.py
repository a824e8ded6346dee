"""memory_node: scene graphs and poses become one graph of the world that answers questions.

ros2 run ser_ros memory_node --ros-args -r scene_graph:=/caption_node/scene_graph
python -m ser_ros.node.memory_node --ros-args -r scene_graph:=/caption_node/scene_graph   # without ros2
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.clock import Clock, ClockChange, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory, Observation
from ser_ros.graph.memory.world_graph import to_json
from ser_ros.msg import SceneGraph
from ser_ros.node.diagnostics import ERROR, WARN, Latencies, Report
from ser_ros.node.graph_messages import from_message
from ser_ros.node.lifecycle import BURST, HOW_TO_BEGIN, ManagedNode, run
from ser_ros.node.markers import marker_array
from ser_ros.node.memory_messages import ask, match_message, pose_message
from ser_ros.node.memory_opening import expanded, file_of, lost, open_memory
from ser_ros.node.memory_parameters import MemoryParameters, config_of
from ser_ros.node.poses import NoPoses, PoseSource, open_source
from ser_ros.node.scene_clock import SceneClock
from ser_ros.node.scene_queue import SceneQueue
from ser_ros.node.stamps import nanoseconds
from ser_ros.srv import QueryMemory

WORK_PERIOD = 0.05  # seconds; how often waiting scenes are looked at
# Announcements are made right after a scene, when what it brought can be told with the rest, and also
# when no scene came for so long, seconds.
SILENCE = 0.5
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class MemoryNode(ManagedNode[MemoryParameters]):  # type: ignore[valid-type]  # a class made from MemoryConfig
    """Takes scenes, waits briefly for their poses, writes them, answers and announces.

    Attributes:
        written: scenes that are in the memory since the node started.
    """

    def __init__(self, **options: Any):
        super().__init__("memory_node", MemoryParameters, **options)
        self._memory: Memory | None = None
        self._poses: PoseSource = NoPoses()
        self._queue = SceneQueue()
        self.written = 0
        self._latencies = Latencies()
        self._entities: list[tuple[Any, Any]] = []  # (how to destroy it, what)
        self._time = SceneClock()
        self._changed = self._other_frame = False
        self._unwritable = ""  # why the memory can only be asked
        self._file: tuple[int, int] | None = None  # what lay at its path when it was opened
        self._published = 0.0
        self._graph = self.create_lifecycle_publisher(String, "~/graph", LATCHED)
        self._markers = self.create_lifecycle_publisher(MarkerArray, "~/markers", LATCHED)
        self._announcement = self.create_lifecycle_publisher(String, "~/announcement", 10)
        self._goal = self.create_lifecycle_publisher(PoseStamped, "goal_pose", 10)
        self.create_service(QueryMemory, "~/query", self._on_query, qos_profile=BURST)
        for name in ("save", "load", "clear"):
            self.create_service(Trigger, f"~/{name}", getattr(self, f"_on_{name}"))
        self.diagnostics.add("", self._fill)
        jumped = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True)
        self._jump = self.get_clock().create_jump_callback(jumped, post_callback=self._on_jump)

    # Lifecycle ----------------------------------------------------------------------------------

    def configure(self) -> str:
        """Open the memory and load what the first question needs."""
        self._memory, self._unwritable = open_memory(self.parameters.current)
        if self._unwritable:
            self.get_logger().warning(self._unwritable)
        self._file = file_of(self._memory)
        self._memory.warm_up()
        self._changed = True
        return f"memory {self._memory.store.path} with {self._memory.counts()['objects']} objects"

    def cleanup(self) -> None:
        """Close the memory."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def activate(self) -> str:
        """Subscribe to scenes and poses, where they can be remembered."""
        # By the steady clock: scenes must not wait while simulated time stands still.
        timer = self.create_timer(WORK_PERIOD, self._work, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._entities.append((self.destroy_timer, timer))
        if self._unwritable:
            return "listening to nothing, the memory can only be asked"
        wanted = self.parameters.current
        self._poses = open_source(
            self,
            wanted.pose_source,
            frame=self._memory.store.meta("frame_id") if self._memory else "",
            base_frame=wanted.base_frame,
            odometry_topic=wanted.odometry_topic,
            pose_topic=wanted.pose_topic,
        )
        topics = []
        for topic in dict.fromkeys(wanted.scene_graph_topics):
            subscription = self.create_subscription(SceneGraph, topic, self._on_scene, 10)
            self._entities.append((self.destroy_subscription, subscription))
            topics.append(subscription.topic_name)
        return f"listening to {', '.join(topics)}, {self._poses.description}"

    def deactivate(self) -> None:
        """Write what waits, then unsubscribe."""
        if self._memory is not None and len(self._queue):
            self._write(self._queue.take(self._poses, time.monotonic(), 0.0))
        for destroy, entity in self._entities:
            destroy(entity)
        self._entities.clear()
        self._poses.close()
        self._poses = NoPoses()
        self._queue.clear()

    def parameters_changed(self, old: Any, new: Any) -> None:
        """Use the new settings of the memory from now on."""
        if self._memory is not None:
            self._memory.reconfigure(config_of(new))

    # Scenes in ----------------------------------------------------------------------------------

    def _on_scene(self, message: SceneGraph) -> None:
        stamp, now = nanoseconds(message.header.stamp), time.monotonic()
        if stamp <= 0:
            self.diagnostics.error(f"a scene of camera {message.camera!r} has no stamp; it is left out")
            return
        if back := self._time.note(message.camera, stamp, now):
            self.get_logger().info(f"the stamps of camera {message.camera!r} went back by {back / 1e9:.1f} s")
            if self._memory is not None:
                self._memory.start_new_visit()
        self._queue.add(Observation(stamp, message.camera, from_message(message)), now)

    def _work(self) -> None:
        if self._memory is None:
            return
        wanted = self.parameters.current
        scenes = self._queue.take(self._poses, time.monotonic(), wanted.pose_timeout)
        self._write(scenes)
        if wanted.announce and self._time.stamp and (scenes or time.monotonic() - self._time.came >= SILENCE):
            self._announce()
        if self._changed and time.monotonic() - self._published >= wanted.publish_period:
            self._publish()

    def _write(self, observations: list[Observation]) -> None:
        if not observations or self._memory is None:
            return
        begin = time.monotonic()
        try:
            self._changed = bool(self._memory.observe(observations)) or self._changed
        except UserError as error:
            self._queue.put_back(observations)
            self.diagnostics.error(str(error))
            return
        self.written += len(observations)
        self._latencies.add("update", (time.monotonic() - begin) / len(observations))
        frame = self._memory.store.meta("frame_id")
        self._other_frame = any(one.pose is not None and one.pose.frame_id != frame for one in observations)

    def _on_jump(self, jump: TimeJump) -> None:
        if jump.delta.nanoseconds >= 0 and jump.clock_change == ClockChange.ROS_TIME_NO_CHANGE:
            return
        self._time = SceneClock()
        self._poses.clear()
        self._queue.clear()
        if self._memory is not None and self.state == "active":
            self._memory.start_new_visit()
            if self.parameters.current.clear_on_time_jump and jump.delta.nanoseconds < 0:
                self._try(self._memory.clear)
                self.get_logger().info("time jumped back: the memory is cleared (clear_on_time_jump)")

    # Answers out --------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        """The time on the clock of the images, also when a bag is played without /clock."""
        return self._time.now_ns(time.monotonic()) or int(self.get_clock().now().nanoseconds)

    def _announce(self) -> None:
        assert self._memory is not None
        try:
            sentence = self._memory.announce(self._now_ns())
        except UserError as error:
            self.diagnostics.error(str(error))
            return
        if sentence:
            self._announcement.publish(String(data=sentence))

    def _publish(self) -> None:
        assert self._memory is not None
        wanted, begin = self.parameters.current, time.monotonic()
        self._published, self._changed = begin, False
        try:
            graph = self._memory.to_networkx(most_objects=wanted.publish_objects)
        except UserError as error:
            self.diagnostics.error(str(error))
            return
        self._graph.publish(String(data=to_json(graph)))
        self._markers.publish(marker_array(graph, wanted.view_distance, self.get_clock().now().to_msg()))
        self._latencies.add("publish", time.monotonic() - begin)

    def _on_query(self, request: QueryMemory.Request, response: QueryMemory.Response) -> QueryMemory.Response:
        begin = time.monotonic()
        try:
            answer = ask(self._opened(), request, self._now_ns())
        except UserError as error:
            response.success, response.message = False, str(error)
            return response
        response.success, response.speech, response.understood = True, answer.speech, answer.understood
        response.matches = [match_message(match) for match in answer.matches]
        if request.publish_goal and answer.matches:
            best = answer.matches[0]
            response.goal_sent = best.pose is not None and self._send_goal(best.score, best.pose)
        self._latencies.add("query", time.monotonic() - begin)
        return response

    def _send_goal(self, score: float, pose: Any) -> bool:
        if score < self.parameters.current.goal_min_score or self.state != "active":
            return False
        self._goal.publish(pose_message(pose, self.get_clock().now().to_msg()))
        return True

    def _on_save(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, lambda memory, path: memory.save(path), "saved to {}")

    def _on_load(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, lambda memory, path: memory.load(path), "loaded from {}")

    def _on_clear(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, lambda memory, path: memory.clear(), "cleared")

    def _answer(self, response: Trigger.Response, work: Any, done: str) -> Trigger.Response:
        try:
            path = expanded(self.parameters.current.save_path)
            work(self._opened(), path)
        except UserError as error:
            response.success, response.message = False, str(error)
            return response
        self._changed = True
        response.success, response.message = True, done.format(path)
        return response

    def _opened(self) -> Memory:
        if self._memory is None:
            raise UserError(
                f"the memory is not open: memory_node is {self.state}; {HOW_TO_BEGIN[self.state]}"
            )
        return self._memory

    def _try(self, work: Any) -> None:
        try:
            work()
        except UserError as error:
            self.diagnostics.error(str(error))

    def _fill(self, report: Report) -> None:
        report.message = self.state
        report.values["state"] = self.state
        now = time.monotonic()
        for trouble in filter(None, (self.trouble(), self._poses.trouble, self._time.trouble(now))):
            report.worsen(WARN, trouble)
        if self._memory is None:
            return
        if self._unwritable:
            report.worsen(WARN, self._unwritable)
        if missing := lost(self._memory, self._file):
            report.worsen(ERROR, missing)
        try:
            report.values |= self._memory.counts()
        except UserError as error:
            report.worsen(ERROR, str(error))
            return
        report.values["frame"] = self._memory.store.meta("frame_id")
        report.values["poses from"] = self._poses.description
        report.values |= {"scenes written": self.written, **self._queue.counts()}
        self._latencies.fill(report)
        if self._time.stamp:
            report.values["newest scene"] = f"{now - self._time.came:.0f} s ago"
        if self._other_frame:
            report.worsen(
                WARN,
                f"poses are in another frame than the memory's ({report.values['frame']}); they are not used",
            )
        elif self._queue.unposed and not self._queue.posed:
            report.worsen(WARN, f"no pose for any scene so far ({self._poses.description})")


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until Ctrl-C."""
    # a full pass of the collector over parser and WordNet takes 60 ms, thrice what an update may take
    return run(MemoryNode, args, freeze=True)


if __name__ == "__main__":
    sys.exit(main())
