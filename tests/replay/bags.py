"""Small recordings for tests: a camera of coloured pictures and a robot that drives along x."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
STORE1 = get_typestore(Stores.ROS1_NOETIC)
START = 1_700_000_000_000_000_000
PERIOD = 200_000_000  # 5 Hz
COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]


def picture(index: int) -> np.ndarray:
    """RGB [48, 64, 3] uint8 of one colour."""
    return np.full((48, 64, 3), COLOURS[index % len(COLOURS)], np.uint8)


def header(stamp: int, frame_id: str = "camera", store: Any = STORE) -> Any:
    time = store.types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
    extra = {"seq": 0} if store is STORE1 else {}
    return store.types["std_msgs/msg/Header"](stamp=time, frame_id=frame_id, **extra)


def image(index: int, store: Any = STORE) -> Any:
    pixels = picture(index)
    return store.types["sensor_msgs/msg/Image"](
        header=header(START + index * PERIOD, store=store),
        height=48,
        width=64,
        encoding="rgb8",
        is_bigendian=0,
        step=192,
        data=pixels.reshape(-1),
    )


def compressed(index: int) -> Any:
    data = io.BytesIO()
    Image.fromarray(picture(index)).save(data, "JPEG", quality=95)
    return STORE.types["sensor_msgs/msg/CompressedImage"](
        header=header(START + index * PERIOD), format="jpeg", data=np.frombuffer(data.getvalue(), np.uint8)
    )


def pose(x: float) -> Any:
    types = STORE.types
    return types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](x=x, y=0.0, z=0.0),
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
    )


def odometry(stamp: int, x: float) -> Any:
    types = STORE.types
    zero = types["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0)
    twist = types["geometry_msgs/msg/Twist"](linear=zero, angular=zero)
    return types["nav_msgs/msg/Odometry"](
        header=header(stamp, "map"),
        child_frame_id="base_link",
        pose=types["geometry_msgs/msg/PoseWithCovariance"](pose=pose(x), covariance=np.zeros(36)),
        twist=types["geometry_msgs/msg/TwistWithCovariance"](twist=twist, covariance=np.zeros(36)),
    )


def write_rosbag2(
    path: Path,
    frames: int = 4,
    storage: StoragePlugin = StoragePlugin.MCAP,
    compression: CompressionMode | None = None,
    image_topics: tuple[str, ...] = ("/camera/image_raw",),
    jpeg: bool = False,
    with_odometry: bool = True,
) -> Path:
    """One message of each image topic every 0.2 s; odometry at the same stamps, 0.1 m a step."""
    kind = "sensor_msgs/msg/CompressedImage" if jpeg else "sensor_msgs/msg/Image"
    writer = Writer(path, version=9, storage_plugin=storage)
    if compression is not None:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        topics = {name: writer.add_connection(name, kind, typestore=STORE) for name in image_topics}
        odom = writer.add_connection("/odom", "nav_msgs/msg/Odometry", typestore=STORE)
        for index in range(frames):
            stamp = START + index * PERIOD
            if with_odometry:
                message = odometry(stamp, 0.1 * index)
                writer.write(odom, stamp, STORE.serialize_cdr(message, "nav_msgs/msg/Odometry"))
            for connection in topics.values():
                message = compressed(index) if jpeg else image(index)
                writer.write(connection, stamp, STORE.serialize_cdr(message, kind))
    return path


def write_rosbag1(path: Path, frames: int = 4) -> Path:
    with Writer1(path) as writer:
        connection = writer.add_connection("/camera/image_raw", "sensor_msgs/msg/Image", typestore=STORE1)
        for index in range(frames):
            data = STORE1.serialize_ros1(image(index, STORE1), "sensor_msgs/msg/Image")
            writer.write(connection, START + index * PERIOD, data)
    return path
