"""The robot around the nodes: cameras that publish, ears that listen, hands that call services."""

from __future__ import annotations

import array
import io
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import ChangeState, GetState
from PIL import Image as Picture
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from tests.processes import PATIENCE

# Parameters under which caption_node captions every image, and soon.
QUICK = {"max_tokens": 6, "max_rate_hz": 0.0, "keyframe_threshold": 0.0}


def scene(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """A picture of coloured blocks that differs strongly from seed to seed, [H, W, 3] uint8."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    rows = np.arange(height) * 6 // height
    columns = np.arange(width) * 8 // width
    return np.ascontiguousarray(blocks[rows[:, None], columns])


def image(picture: np.ndarray, stamp: Time | None = None, frame_id: str = "camera", **fields: Any) -> Image:
    """An rgb8 Image message; `fields` override what it says of itself."""
    message = Image(
        height=picture.shape[0],
        width=picture.shape[1],
        encoding="rgb8",
        step=3 * picture.shape[1],
        data=array.array("B", picture.tobytes()),
    )
    message.header.stamp = stamp or Time()
    message.header.frame_id = frame_id
    for name, value in fields.items():
        setattr(message, name, array.array("B", value) if name == "data" else value)
    return message


def jpeg(picture: np.ndarray, stamp: Time | None = None) -> CompressedImage:
    """A JPEG CompressedImage message."""
    out = io.BytesIO()
    Picture.fromarray(picture).save(out, "JPEG")
    message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=array.array("B", out.getvalue()))
    message.header.stamp = stamp or Time()
    return message


class Spinner:
    """A thread that runs a node's callbacks."""

    def __init__(self, node: Node) -> None:
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self) -> None:
        while not self._end.is_set():
            self._executor.spin_once()

    def end(self) -> None:
        """End the thread, then the executor: rclpy destroys what a thread that still spins would wait for."""
        self._end.set()
        self._executor.create_task(lambda: None)
        self._thread.join()
        self._executor.shutdown()


class Robot:
    """A node of the test with its own context and thread.

    Attributes:
        heard: topic -> messages, in order of arrival.
        memory_node: the one in this process, if any.
    """

    def __init__(self, domain: int | None = None):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("robot", context=self.context)
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self.memory_node: Any = None
        self._publishers: dict[str, Any] = {}
        self._clients: dict[str, Any] = {}
        self._streams: list[tuple[threading.Event, threading.Thread]] = []
        self._spinner = Spinner(self.node)
        self.listen("/diagnostics", DiagnosticArray)

    def close(self) -> None:
        self.stop_cameras()
        self._spinner.end()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    # Topics --------------------------------------------------------------------------------------

    def listen(self, topic: str, kind: type, qos: Any = 50) -> list[Any]:
        self.node.create_subscription(kind, topic, self.heard[topic].append, qos)
        return self.heard[topic]

    def publisher(self, topic: str, kind: type, qos: Any = qos_profile_sensor_data) -> Any:
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(kind, topic, qos)
        return self._publishers[topic]

    def send(self, topic: str, message: Any, qos: Any = qos_profile_sensor_data) -> None:
        """Publish once somebody listens."""
        publisher = self.publisher(topic, type(message), qos)
        wait_until(lambda: publisher.get_subscription_count() > 0, f"a subscriber of {topic}")
        publisher.publish(message)

    def now(self) -> Time:
        return self.node.get_clock().now().to_msg()

    def stream(
        self, topic: str, rate: float, picture: Callable[[int], np.ndarray] = scene
    ) -> Callable[[], None]:
        """A camera of its own thread; call the result to unplug it."""
        publisher = self.publisher(topic, Image)
        stop = threading.Event()

        def film() -> None:
            frame = 0
            while not stop.wait(1 / rate):
                publisher.publish(image(picture(frame), self.now()))
                frame += 1

        thread = threading.Thread(target=film)
        thread.start()
        self._streams.append((stop, thread))

        def unplug() -> None:
            stop.set()
            thread.join()

        return unplug

    def film(
        self,
        topic: str,
        picture: np.ndarray,
        until: Callable[[], Any],
        what: str,
        stamp: Time | None = None,
    ) -> None:
        """Send a picture again and again until a condition holds: best effort may lose one."""

        def filmed() -> bool:
            self.send(topic, image(picture, stamp or self.now()))
            time.sleep(0.1)
            return bool(until())

        wait_until(filmed, what)

    def stop_cameras(self) -> None:
        for stop, thread in self._streams:
            stop.set()
            thread.join()
        self._streams.clear()

    def set_clock(self, seconds: float) -> None:
        stamp = Time(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
        self.send("/clock", Clock(clock=stamp))

    # Services ------------------------------------------------------------------------------------

    def call(self, name: str, kind: type, request: Any, timeout: float = PATIENCE) -> Any:
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(timeout), f"no service {name}"
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda future: done.set())
        assert done.wait(timeout), f"no answer from {name} in {timeout} s"
        return future.result()

    def change_state(self, node: str, transition: str) -> bool:
        request = ChangeState.Request()
        request.transition.label = transition
        return self.call(f"/{node}/change_state", ChangeState, request).success

    def state(self, node: str) -> str:
        return self.call(f"/{node}/get_state", GetState, GetState.Request()).current_state.label

    def set(self, node: str, **values: Any) -> Any:
        """Set parameters in one call each; returns the result of the last."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        )
        return self.call(f"/{node}/set_parameters", SetParameters, request).results[-1]

    def get(self, node: str, name: str) -> Any:
        request = GetParameters.Request(names=[name])
        value = self.call(f"/{node}/get_parameters", GetParameters, request).values[0]
        return rclpy.parameter.parameter_value_to_python(value)

    # Diagnostics ---------------------------------------------------------------------------------

    def status(self, name: str) -> DiagnosticStatus | None:
        """The newest status called `name`."""
        for array_ in reversed(self.heard["/diagnostics"]):
            for status in array_.status:
                if status.name == name:
                    return status
        return None

    def wait_for_status(
        self, name: str, text: str, level: bytes | None = None, timeout: float = PATIENCE
    ) -> Any:
        """Wait until the newest status `name` has `text` in its message or values."""

        def fits() -> bool:
            status = self.status(name)
            if status is None or (level is not None and status.level != level):
                return False
            return text in status.message or any(text in value.value for value in status.values)

        wait_until(fits, f"{text!r} in status {name}", timeout, lambda: str(self.status(name)))
        return self.status(name)


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {value.key: value.value for value in status.values}


def wait_until(
    condition: Callable[[], Any], what: str, timeout: float = PATIENCE, shown: Callable[[], str] = lambda: ""
) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"waited {timeout} s for {what}; {shown()}"
        time.sleep(0.02)
