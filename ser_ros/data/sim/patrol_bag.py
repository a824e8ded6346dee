"""The patrol as a rosbag2 in MCAP: compressed pictures, camera info, odometry, tf and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ser_ros.data.sim.house import Pose2, path
from ser_ros.data.sim.render import FOV
from ser_ros.errors import UserError

START_NS = 1_760_000_000_000_000_000  # stamp of the first picture
CAMERA_HEIGHT, CAMERA_FORWARD, CAMERA_PITCH = 0.95, 0.15, -6.0  # metres, metres, degrees up
ODOMETRY_RATE = 20.0


def write_bag(out: Path, pictures: Iterator[bytes], seconds: float, rate: float, size: int) -> None:
    """Write `pictures` (JPEG, one every 1/rate seconds) and all that belongs to them into `out`.

    Raises:
        UserError: rosbags is not installed.
    """
    try:
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise UserError(f"recording needs rosbags: pip install rosbags ({error})") from error
    store = get_typestore(Stores.ROS2_JAZZY)
    messages = _Messages(store.types, size)
    topics = {
        "/tf_static": "tf2_msgs/msg/TFMessage", "/tf": "tf2_msgs/msg/TFMessage",
        "/clock": "rosgraph_msgs/msg/Clock",
        "/odom": "nav_msgs/msg/Odometry", "/camera/camera_info": "sensor_msgs/msg/CameraInfo",
        "/camera/image_raw/compressed": "sensor_msgs/msg/CompressedImage",
    }  # fmt: skip
    with Writer(out, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {}
        for topic, kind in topics.items():
            qos = _latched() if topic == "/tf_static" else ()
            links[topic] = writer.add_connection(topic, kind, typestore=store, offered_qos_profiles=qos)

        def put(topic: str, stamp: int, message) -> None:
            writer.write(links[topic], stamp, store.serialize_cdr(message, topics[topic]))

        put("/tf_static", START_NS, messages.tf_static(START_NS))
        poses = path(seconds, ODOMETRY_RATE)
        moments = [(START_NS + round(i * 1e9 / ODOMETRY_RATE), i) for i in range(len(poses))]
        number, next_stamp = 0, START_NS
        for stamp, i in moments:
            put("/clock", stamp, messages.clock(stamp))
            put("/tf", stamp, messages.tf(stamp, poses[i]))
            put("/odom", stamp, messages.odometry(stamp, poses[i], poses[min(i + 1, len(poses) - 1)]))
            while next_stamp <= stamp:
                data = next(pictures, None)
                if data is None:
                    break
                put("/camera/camera_info", next_stamp, messages.info(next_stamp))
                put("/camera/image_raw/compressed", next_stamp, messages.image(next_stamp, data))
                number += 1
                next_stamp = START_NS + round(number * 1e9 / rate)
        for data in pictures:  # those between the last odometry and the end
            put("/camera/image_raw/compressed", next_stamp, messages.image(next_stamp, data))
            number += 1
            next_stamp = START_NS + round(number * 1e9 / rate)


def _latched():
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    never = QosTime(2147483647, 4294967295)
    return [
        Qos(QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, never, never,
            QosLiveliness.AUTOMATIC, never, False)
    ]  # fmt: skip


class _Messages:
    """Builds the messages of one recording."""

    def __init__(self, types: dict, size: int):
        self._types, self._size = types, size

    def _new(self, name: str, *values):
        return self._types[name](*values)

    def _time(self, stamp: int):
        return self._new("builtin_interfaces/msg/Time", stamp // 1_000_000_000, stamp % 1_000_000_000)

    def _header(self, stamp: int, frame: str):
        return self._new("std_msgs/msg/Header", self._time(stamp), frame)

    def clock(self, stamp: int):
        return self._new("rosgraph_msgs/msg/Clock", self._time(stamp))

    def image(self, stamp: int, data: bytes):
        header = self._header(stamp, "camera_optical_frame")
        pixels = np.frombuffer(data, np.uint8)
        return self._new("sensor_msgs/msg/CompressedImage", header, "rgb8; jpeg compressed bgr8", pixels)

    def info(self, stamp: int):
        focal, middle = self._size / 2 / np.tan(np.radians(FOV / 2)), self._size / 2
        k = np.array([focal, 0, middle, 0, focal, middle, 0, 0, 1.0])
        p = np.array([focal, 0, middle, 0, 0, focal, middle, 0, 0, 0, 1.0, 0])
        roi = self._new("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
        header = self._header(stamp, "camera_optical_frame")
        rectified = np.eye(3).ravel()
        return self._new(
            "sensor_msgs/msg/CameraInfo",
            header,
            self._size,
            self._size,
            "plumb_bob",
            np.zeros(5),
            k,
            rectified,
            p,
            0,
            0,
            roi,
        )

    def _transform(self, stamp: int, parent: str, child: str, place, quaternion):
        vector = self._new("geometry_msgs/msg/Vector3", *map(float, place))
        turn = self._new("geometry_msgs/msg/Quaternion", *map(float, quaternion))
        both = self._new("geometry_msgs/msg/Transform", vector, turn)
        return self._new("geometry_msgs/msg/TransformStamped", self._header(stamp, parent), child, both)

    def tf_static(self, stamp: int):
        down = np.radians(-CAMERA_PITCH)
        camera = (0.0, np.sin(down / 2), 0.0, np.cos(down / 2))
        optical = (-0.5, 0.5, -0.5, 0.5)  # REP 103: x right, y down, z forward
        return self._new(
            "tf2_msgs/msg/TFMessage",
            [
                self._transform(stamp, "map", "odom", (0, 0, 0), (0, 0, 0, 1)),
                self._transform(
                    stamp, "base_link", "camera_link", (CAMERA_FORWARD, 0, CAMERA_HEIGHT), camera
                ),
                self._transform(stamp, "camera_link", "camera_optical_frame", (0, 0, 0), optical),
            ],
        )

    def tf(self, stamp: int, pose: Pose2):
        moved = self._transform(stamp, "odom", "base_link", (pose.x, pose.y, 0), _yaw(pose.yaw))
        return self._new("tf2_msgs/msg/TFMessage", [moved])

    def odometry(self, stamp: int, pose: Pose2, after: Pose2):
        point = self._new("geometry_msgs/msg/Point", pose.x, pose.y, 0.0)
        turn = self._new("geometry_msgs/msg/Quaternion", *_yaw(pose.yaw))
        here = self._new("geometry_msgs/msg/Pose", point, turn)
        with_covariance = self._new("geometry_msgs/msg/PoseWithCovariance", here, np.zeros(36))
        speed = float(np.hypot(after.x - pose.x, after.y - pose.y)) * ODOMETRY_RATE
        facing = np.radians(pose.yaw)
        if (after.x - pose.x) * np.cos(facing) + (after.y - pose.y) * np.sin(facing) < 0:
            speed = -speed
        spin = float(np.radians(after.yaw - pose.yaw)) * ODOMETRY_RATE
        linear = self._new("geometry_msgs/msg/Vector3", speed, 0.0, 0.0)
        angular = self._new("geometry_msgs/msg/Vector3", 0.0, 0.0, spin)
        twist = self._new("geometry_msgs/msg/Twist", linear, angular)
        moving = self._new("geometry_msgs/msg/TwistWithCovariance", twist, np.zeros(36))
        return self._new(
            "nav_msgs/msg/Odometry", self._header(stamp, "odom"), "base_link", with_covariance, moving
        )


def _yaw(degrees: float) -> tuple[float, float, float, float]:
    half = np.radians(degrees) / 2
    return 0.0, 0.0, float(np.sin(half)), float(np.cos(half))
