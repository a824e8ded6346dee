"""Ten thousand good and bad frames: nothing falls over, nothing grows."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from ser_ros.msg import Caption
from ser_ros.runtime.image_messages import ENCODINGS
from tests.node.robot import image, jpeg, scene, values, wait_until
from tests.processes import python_module

FRAMES = 5000  # of each kind that are captioned or refused; others are dropped on the way
RELIABLE = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)
RNG = np.random.default_rng(11)


def frame() -> Image:
    """A good image, or one that lies about any of its fields."""
    good = image(scene(int(RNG.integers(1000)), 48, 64))
    kind = RNG.integers(8)
    if kind == 0:
        good.encoding = str(RNG.choice([*ENCODINGS, "16UC1", "32FC1", "", "zz"]))
    elif kind == 1:
        good.data = good.data[: RNG.integers(len(good.data))]
    elif kind == 2:
        good.step = int(RNG.integers(2**32))
    elif kind == 3:
        good.height, good.width = (int(side) for side in RNG.integers(2**32, size=2))
    elif kind == 4:
        good.height, good.width = (int(side) for side in RNG.integers(80, size=2))
        good.is_bigendian = int(RNG.integers(256))
    return good


def compressed_frame() -> CompressedImage:
    """A good JPEG, or one with damage."""
    good = jpeg(scene(int(RNG.integers(1000)), 48, 64))
    kind = RNG.integers(5)
    if kind == 0:
        good.data = good.data[: RNG.integers(len(good.data))]
    elif kind == 1:
        for place in RNG.integers(len(good.data), size=5):
            good.data[place] = int(RNG.integers(256))
    elif kind == 2:
        good.format = str(RNG.choice(["", "16UC1; compressedDepth png", "png", "\N{SNOWMAN}"]))
    return good


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compressed", [False, True], ids=["raw", "compressed"])
def test_thousands_of_good_and_bad_frames(compressed, toy_folder, robot, start_process):
    parameters = {
        "model": toy_folder, "compressed": str(compressed).lower(), "image_reliability": "reliable",
        "max_tokens": 2, "max_rate_hz": 0.0, "keyframe_threshold": 0.0,
    }  # fmt: skip
    arguments = [text for name, value in parameters.items() for text in ("-p", f"{name}:={value}")]
    process = start_process(python_module("ser_ros.node.caption_node", "--ros-args", *arguments))
    process.wait_for("active (")
    captions = robot.listen("/caption_node/caption", Caption)
    topic = "image/compressed" if compressed else "image"

    def counts() -> dict[str, int]:
        camera = values(robot.status("caption_node: camera image"))
        return {name: int(camera[name]) for name in ("received", "captioned", "dropped", "unreadable")}

    robot.wait_for_status("caption_node: camera image", "")
    megabytes, handled = [], 0
    while handled < FRAMES:
        for _ in range(100):
            robot.send(topic, compressed_frame() if compressed else frame(), qos=RELIABLE)
            time.sleep(0.008)
        assert process.popen.poll() is None, process.output
        handled = counts()["captioned"] + counts()["unreadable"]
        if handled > FRAMES // 10:  # the allocators have what they need
            megabytes.append(int(values(robot.status("caption_node"))["memory (MB)"]))
        del captions[:-1]
    assert counts()["captioned"] > 0.2 * FRAMES
    assert counts()["unreadable"] > 0.05 * FRAMES
    assert max(megabytes) - megabytes[0] < 1000, "a damaged header must not make a picture of gigabytes"
    assert megabytes[-1] - megabytes[0] < 20, megabytes
    assert "Traceback" not in process.output
    heard = len(captions)
    robot.send(topic, jpeg(scene(1)) if compressed else image(scene(1)), qos=RELIABLE)
    wait_until(lambda: len(captions) > heard, "a caption after all that")
    assert process.interrupt() == 0
    print(counts(), megabytes)
